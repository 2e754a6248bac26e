import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto';
import { ByteWriter } from '../../codec/bytes.ts';
import type { ReadableReplyAddress } from '../../envelope/message.ts';
import { Rejection } from '../../envelope/rejection.ts';
import { readContentBefore } from './token/before.ts';
import { nodeHash, readContent, VERSION, writeContent } from './token/content.ts';

/**
 * A reply token: all that a reply needs to find its client, inside the reply destination, so that no instance
 * stores anything. Layout, before base64url:
 *
 *     version 3 | flags | expires (4, seconds) | request id (16, or a text) | [flow (16)] | ingress | agent | dialect
 *     | [action] | [federation request id] | [hops] | reply place | [nodes asked (2 each)] | MAC (16)
 *
 * Texts are packed, see token/texts.ts, and so is the reply place, see token/reply-place.ts: a broadcast or a request to
 * one node, of any client and also traced, comes to 180 characters at most where names have the usual length. A client's
 * odd request id is the exception: it is here as it is, see docs/security.md for the lengths. Tokens of the versions
 * before are read, see token/before.ts. The MAC is HMAC-SHA256 under a key that the cluster key gives for the network, cut to
 * 128 bits, over the cluster's, the collective's and the nodes' protocol's name and all before it: so a token of another network, cluster, collective or
 * protocol counts as forged. What can be read on a legacy broker, whose nodes sign their replies, is so of no use to forge one of a Choria node, which bears
 * no signature.
 */
const READ_BEFORE: ReadonlySet<number> = new Set([1, 2]);
const MAC_BYTES = 16;

/** The longest token that is made or read: 200 nodes and a long trail take a third of it. */
const MAX_TOKEN_CHARS = 4096;

export interface TokenContext {
  /** Of the network that the request goes to, see token/network-key.ts. */
  readonly key: KeyObject;
  /** Others which tokens of the same network may be made with, asked for each token that `key` does not prove. */
  readonly otherKeys?: (() => readonly KeyObject[]) | undefined;
  readonly cluster: string;
  /** A name for that of the nodes that answer. Egresses of one protocol may share a network, and so each other's replies. */
  readonly protocol: string;
  readonly collective: string;
}

/** What a token vouches for. */
export interface VerifiedReplyToken {
  readonly home: ReadableReplyAddress;
  /** Whether `identity` was asked; any may answer a broadcast. */
  readonly asked: (identity: string) => boolean;
  /** Whether all that listen were asked. */
  readonly broadcast: boolean;
}

/** @param bytes all before it, first the version */
const macOf = (bytes: Uint8Array, { cluster, protocol, collective }: TokenContext, key: KeyObject): Buffer =>
  createHmac('sha256', key)
    .update(`mcbridge reply ${bytes[0]}\0${cluster}\0${protocol}\0${collective}\0`)
    .update(bytes)
    .digest()
    .subarray(0, MAC_BYTES);

const isAuthentic = (bytes: Uint8Array, mac: Uint8Array, context: TokenContext): boolean => {
  const proves = (key: KeyObject): boolean => timingSafeEqual(macOf(bytes, context, key), mac);
  return proves(context.key) || context.otherKeys?.().some(proves) === true;
};

/** @param nodes the nodes that the reply may come from; undefined for a broadcast */
export const encodeToken = (
  home: ReadableReplyAddress,
  nodes: readonly string[] | undefined,
  context: TokenContext,
): string => {
  const writer = new ByteWriter();
  writeContent(home, nodes, context, writer);
  writer.bytes(macOf(writer.take(), context, context.key));
  const token = writer.take().toString('base64url');
  if (token.length > MAX_TOKEN_CHARS)
    throw new Rejection(
      'limit_exceeded',
      `the way home needs a reply token of ${token.length} characters, more than ${MAX_TOKEN_CHARS}`,
    );
  return token;
};

/**
 * @param now ms since the epoch
 * @throws Rejection `token_malformed`, `token_forged` or `token_expired`
 */
export const decodeToken = (token: string, context: TokenContext, now: number): VerifiedReplyToken => {
  const pass = readToken(token, context);
  checkReplyToken(pass, now);
  return pass;
};

/** @throws Rejection `token_expired` */
export const checkReplyToken = (
  { home: { flow, requestId, agent, expires } }: VerifiedReplyToken,
  now: number,
): void => {
  const late = Math.floor(now / 1000) - expires / 1000;
  if (late > 0)
    throw new Rejection('token_expired', `the reply came ${late} s after its request's ttl had ended`, {
      ...(flow !== undefined && { flow }),
      requestId,
      agent,
    });
};

/** The token's content, proven authentic, whatever its age. */
export const readToken = (token: string, context: TokenContext): VerifiedReplyToken => {
  if (token.length > MAX_TOKEN_CHARS || !/^[\w-]+$/.test(token))
    throw new Rejection('token_malformed', 'the reply token is not base64url or too long');
  const all = Buffer.from(token, 'base64url');
  // Several base64url texts decode to the same bytes; only the one that was written is taken.
  if (all.length <= MAC_BYTES + 2 || all.toString('base64url') !== token)
    throw new Rejection('token_malformed', 'the reply token is cut short or garbled');
  const version = all[0] ?? 0;
  if (version !== VERSION && !READ_BEFORE.has(version))
    throw new Rejection(
      'token_malformed',
      `the reply token is of version ${version}, this bridge reads versions 1 to ${VERSION}`,
    );
  const bytes = all.subarray(0, -MAC_BYTES);
  if (!isAuthentic(bytes, all.subarray(-MAC_BYTES), context)) {
    throw new Rejection(
      'token_forged',
      `the reply token was not made with the key of cluster ${context.cluster} for ${context.protocol} nodes of collective ${context.collective} in this network`,
    );
  }
  const { home, nodes } =
    version === VERSION ? readContent(bytes, context) : readContentBefore(bytes, context.collective);
  const hashes = nodes && new Set(nodes);
  return {
    home,
    asked: (identity) => hashes === undefined || hashes.has(nodeHash(identity)),
    broadcast: hashes === undefined,
  };
};
