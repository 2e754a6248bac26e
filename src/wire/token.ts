import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto';
import type { Home } from '../envelope/message.ts';
import { Rejection } from '../envelope/rejection.ts';
import { ByteReader, ByteWriter } from './bytes.ts';

/**
 * A reply token: all that a reply needs to find its way home, inside the reply destination, so that no instance
 * stores anything. Layout, before base64url:
 *
 *     version 2 | flags | expires (4, seconds) | request id (16, or a text) | [flow (16)] | ingress | replyTo | agent
 *     | dialect | [action] | [federation request id] | [hops] | [nodes asked] | MAC (16)
 *
 * Version 1 has no flow; it is read, for replies to requests that an instance of the version before has sent.
 * Texts are length-prefixed. The MAC is HMAC-SHA256 under the cluster key, cut to 128 bits, over the cluster's,
 * the collective's and the nodes' protocol's name and all before it: a token of another of these is a forged one. What can
 * be read on a legacy broker, whose nodes sign their replies, is so of no use to forge one of a Choria node, which bears
 * no signature.
 */
const VERSION = 2;
const READ: ReadonlySet<number> = new Set([1, VERSION]);
const HAS_FEDERATION_ID = 1;
const HAS_HOPS = 2;
const DIRECTED = 4;
const TEXT_ID = 8;
const HAS_ACTION = 16;
const HAS_FLOW = 32;
const MAC_BYTES = 16;

/** What both clients make; any other 32 characters travel as they are. */
const HEX_ID = /^[0-9a-f]{32}$/;

/** Longest token that is made or looked at: 200 nodes and a long trail take a third of it. */
const MAX_TOKEN = 4096;

export interface TokenContext {
  readonly key: KeyObject;
  readonly cluster: string;
  /** Of the nodes that answer. Egresses of one protocol may share a network, and so each other's replies. */
  readonly protocol: 'mcollective' | 'choria';
  readonly collective: string;
}

/** What a token vouches for. */
export interface ReplyPass {
  readonly home: Home;
  /** Whether `identity` was asked; any may answer a broadcast. */
  readonly asked: (identity: string) => boolean;
  /** Whether all that listen were asked. */
  readonly broadcast: boolean;
}

/**
 * A plausibility check, not a proof (a legacy reply's sender is unsigned): 16 bits a node keep a token of
 * 200 nodes below 800 characters, and let one stranger in 300 through.
 */
const nodeHash = (identity: string): number => {
  let hash = 0x811c9dc5;
  for (let i = 0; i < identity.length; i++) hash = Math.imul(hash ^ identity.charCodeAt(i), 0x01000193);
  return (hash ^ (hash >>> 16)) & 0xffff;
};

/** @param bytes all before it, first the version */
const macOf = (bytes: Uint8Array, { key, cluster, protocol, collective }: TokenContext): Buffer =>
  createHmac('sha256', key)
    .update(`mcbridge reply ${bytes[0]}\0${cluster}\0${protocol}\0${collective}\0`)
    .update(bytes)
    .digest()
    .subarray(0, MAC_BYTES);

const flowBytes = (flow: string): Buffer => {
  if (!HEX_ID.test(flow)) throw new Error(`the flow id ${flow} is not made of 32 hex digits`);
  return Buffer.from(flow, 'hex');
};

/** @param nodes the nodes that the reply may come from; undefined for a broadcast */
export const encodeToken = (
  home: Home,
  nodes: readonly string[] | undefined,
  context: TokenContext,
): string => {
  const isHexId = HEX_ID.test(home.requestId);
  const writer = new ByteWriter();
  writer.byte(VERSION);
  writer.byte(
    (home.federationRequestId === undefined ? 0 : HAS_FEDERATION_ID) |
      (home.hops === undefined ? 0 : HAS_HOPS) |
      (nodes === undefined ? 0 : DIRECTED) |
      (isHexId ? 0 : TEXT_ID) |
      (home.action === undefined ? 0 : HAS_ACTION) |
      (home.flow === undefined ? 0 : HAS_FLOW),
  );
  writer.uint32(Math.floor(home.expires / 1000));
  if (isHexId) writer.bytes(Buffer.from(home.requestId, 'hex'));
  else writer.text(home.requestId);
  if (home.flow !== undefined) writer.bytes(flowBytes(home.flow));
  for (const text of [home.ingress, home.replyTo, home.agent, home.dialect]) writer.text(text);
  if (home.action !== undefined) writer.text(home.action);
  if (home.federationRequestId !== undefined) writer.text(home.federationRequestId);
  if (home.hops !== undefined) writer.list(home.hops, (hop) => writer.list(hop, (part) => writer.text(part)));
  if (nodes !== undefined) writer.list(nodes, (node) => writer.uint16(nodeHash(node)));
  const bytes = writer.take();
  const token = Buffer.concat([bytes, macOf(bytes, context)]).toString('base64url');
  if (token.length > MAX_TOKEN)
    throw new Rejection(
      'limit_exceeded',
      `the way home needs a reply token of ${token.length} characters, more than ${MAX_TOKEN}`,
    );
  return token;
};

/**
 * @param now ms since the epoch
 * @throws Rejection `token_malformed`, `token_forged` or `token_expired`
 */
export const decodeToken = (token: string, context: TokenContext, now: number): ReplyPass => {
  const pass = readToken(token, context);
  checkPass(pass, now);
  return pass;
};

/** @throws Rejection `token_expired` */
export const checkPass = ({ home: { flow, requestId, agent, expires } }: ReplyPass, now: number): void => {
  const late = Math.floor(now / 1000) - expires / 1000;
  if (late > 0)
    throw new Rejection('token_expired', `the reply came ${late} s after its request's ttl had ended`, {
      ...(flow !== undefined && { flow }),
      requestId,
      agent,
    });
};

/** The token's content, proven authentic, whatever its age. */
export const readToken = (token: string, context: TokenContext): ReplyPass => {
  if (token.length > MAX_TOKEN || !/^[\w-]+$/.test(token))
    throw new Rejection('token_malformed', 'the reply token is not base64url or too long');
  const all = Buffer.from(token, 'base64url');
  // Several base64url texts decode to the same bytes; only the one that was written is taken.
  if (all.length <= MAC_BYTES + 2 || all.toString('base64url') !== token)
    throw new Rejection('token_malformed', 'the reply token is cut short or garbled');
  if (!READ.has(all[0] ?? 0))
    throw new Rejection(
      'token_malformed',
      `the reply token is of version ${all[0]}, this bridge reads versions 1 to ${VERSION}`,
    );
  const bytes = all.subarray(0, -MAC_BYTES);
  if (!timingSafeEqual(macOf(bytes, context), all.subarray(-MAC_BYTES))) {
    throw new Rejection(
      'token_forged',
      `the reply token was not made with the key of cluster ${context.cluster} for ${context.protocol} nodes of collective ${context.collective}`,
    );
  }
  return parse(bytes, context.collective);
};

const parse = (bytes: Buffer, collective: string): ReplyPass => {
  const reader = new ByteReader(bytes);
  reader.byte();
  const flags = reader.byte();
  const expires = reader.uint32() * 1000;
  const requestId = flags & TEXT_ID ? reader.text() : reader.bytes(16).toString('hex');
  const flow = flags & HAS_FLOW ? reader.bytes(16).toString('hex') : undefined;
  const [ingress, replyTo, agent, dialect] = [reader.text(), reader.text(), reader.text(), reader.text()];
  const action = flags & HAS_ACTION ? reader.text() : undefined;
  const federationRequestId = flags & HAS_FEDERATION_ID ? reader.text() : undefined;
  const hops = flags & HAS_HOPS ? reader.list(() => reader.list(() => reader.text())) : undefined;
  const nodes = flags & DIRECTED ? new Set(reader.list(() => reader.uint16())) : undefined;
  if (!reader.done) throw new Rejection('token_malformed', 'the reply token has bytes to spare');
  return {
    home: {
      ...(flow === undefined ? {} : { flow }),
      ingress,
      replyTo,
      requestId,
      agent,
      collective,
      dialect,
      expires,
      ...(action === undefined ? {} : { action }),
      ...(federationRequestId === undefined ? {} : { federationRequestId }),
      ...(hops === undefined ? {} : { hops }),
    },
    asked: (identity) => nodes === undefined || nodes.has(nodeHash(identity)),
    broadcast: nodes === undefined,
  };
};
