import { ByteReader, type ByteWriter } from '../../../codec/bytes.ts';
import type { ReadableReplyAddress } from '../../../envelope/message.ts';
import { Rejection } from '../../../envelope/rejection.ts';
import { type PlaceForm, placeOf, readPlace, writePlace } from './reply-place.ts';
import { TextReader, TextWriter } from './texts.ts';

/** What a token says, and of whom replies are expected. */
export interface TokenContent {
  readonly home: ReadableReplyAddress;
  /** Hashes of the nodes that were asked; undefined for a broadcast. */
  readonly nodes: readonly number[] | undefined;
}

/** What the reader of a token knows besides. */
export interface TokenNames {
  readonly cluster: string;
  readonly collective: string;
}

/** While it is built: cheaper than as many spreads. */
type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

export const VERSION = 3;

const HAS_FEDERATION_ID = 1;
const HAS_HOPS = 2;
const DIRECTED = 4;
const TEXT_ID = 8;
const HAS_ACTION = 16;
const HAS_FLOW = 32;
/** The two highest bits have the form of the reply place. */
const PLACE_SHIFT = 6;
const PLACE_FORMS: readonly PlaceForm[] = [0, 1, 2, 3];

/** What both clients make; any other 32 characters travel as they are. */
const HEX_ID = /^[0-9a-f]{32}$/;

/**
 * Written before and behind each thing that there are several of; one byte where they are few.
 * @throws Rejection `limit_exceeded`
 */
const writeCount = (writer: ByteWriter, count: number): void => {
  if (count > 0x7fff) throw new Rejection('limit_exceeded', `a list of ${count} does not fit a reply token`);
  if (count < 0x80) writer.byte(count);
  else writer.uint16(0x8000 | count);
};

const readCount = (reader: ByteReader): number => {
  const first = reader.byte();
  return first < 0x80 ? first : ((first & 0x7f) << 8) | reader.byte();
};

const writeList = <T>(writer: ByteWriter, items: readonly T[], write: (item: T) => void): void => {
  writeCount(writer, items.length);
  for (const item of items) write(item);
};

const readList = <T>(reader: ByteReader, read: () => T): T[] => {
  const items: T[] = [];
  for (let left = readCount(reader); left > 0; left--) items.push(read());
  return items;
};

const flowBytes = (flow: string): Buffer => {
  if (!HEX_ID.test(flow)) throw new Error(`the flow id ${flow} is not made of 32 hex digits`);
  return Buffer.from(flow, 'hex');
};

/**
 * A plausibility check, not a proof (a legacy reply's sender is unsigned): 16 bits a node keep a token of
 * 200 nodes below 750 characters, and let one stranger in 300 through.
 */
export const nodeHash = (identity: string): number => {
  let hash = 0x811c9dc5;
  for (let i = 0; i < identity.length; i++) hash = Math.imul(hash ^ identity.charCodeAt(i), 0x01000193);
  return (hash ^ (hash >>> 16)) & 0xffff;
};

/**
 * @param nodes the nodes that were asked, by name; undefined for a broadcast
 * @param writer gets all but the MAC
 * @throws Rejection `limit_exceeded` for what does not fit its field
 */
export const writeContent = (
  home: ReadableReplyAddress,
  nodes: readonly string[] | undefined,
  { cluster, collective }: TokenNames,
  writer: ByteWriter,
): void => {
  const { requestId, flow, hops, action, federationRequestId } = home;
  const isHexId = HEX_ID.test(requestId);
  const place = placeOf(home.replyTo, hops);
  writer.byte(VERSION);
  writer.byte(
    (federationRequestId === undefined ? 0 : HAS_FEDERATION_ID) |
      (hops === undefined ? 0 : HAS_HOPS) |
      (nodes === undefined ? 0 : DIRECTED) |
      (isHexId ? 0 : TEXT_ID) |
      (action === undefined ? 0 : HAS_ACTION) |
      (flow === undefined ? 0 : HAS_FLOW) |
      (place.form << PLACE_SHIFT),
  );
  writer.uint32(Math.floor(home.expires / 1000));
  if (isHexId) writer.encoded(requestId, 16, 'hex');
  else writer.text(requestId);
  if (flow !== undefined) writer.bytes(flowBytes(flow));
  const texts = new TextWriter(writer, [cluster, collective, requestId]);
  for (const text of [home.ingress, home.agent, home.dialect]) texts.write(text);
  if (action !== undefined) texts.write(action);
  if (federationRequestId !== undefined) texts.write(federationRequestId);
  if (hops !== undefined)
    writeList(writer, hops, (hop) => writeList(writer, hop, (part) => texts.write(part)));
  writePlace(place, writer, texts);
  if (nodes !== undefined) writeList(writer, nodes, (node) => writer.uint16(nodeHash(node)));
};

/** @throws Rejection `token_malformed` */
export const readContent = (bytes: Buffer, { cluster, collective }: TokenNames): TokenContent => {
  const reader = new ByteReader(bytes);
  reader.byte();
  const flags = reader.byte();
  const expires = reader.uint32() * 1000;
  const requestId = flags & TEXT_ID ? reader.text() : reader.bytes(16).toString('hex');
  const flow = flags & HAS_FLOW ? reader.bytes(16).toString('hex') : undefined;
  const texts = new TextReader(reader, [cluster, collective, requestId]);
  const [ingress, agent, dialect] = [texts.read(), texts.read(), texts.read()];
  const action = flags & HAS_ACTION ? texts.read() : undefined;
  const federationRequestId = flags & HAS_FEDERATION_ID ? texts.read() : undefined;
  const hops = flags & HAS_HOPS ? readList(reader, () => readList(reader, () => texts.read())) : undefined;
  const replyTo = readPlace(PLACE_FORMS[flags >> PLACE_SHIFT] ?? 0, reader, texts, hops);
  const nodes = flags & DIRECTED ? readList(reader, () => reader.uint16()) : undefined;
  if (!reader.done) throw new Rejection('token_malformed', 'the reply token has bytes to spare');
  const home: Writable<ReadableReplyAddress> = {
    ingress,
    replyTo,
    requestId,
    agent,
    collective,
    dialect,
    expires,
  };
  if (flow !== undefined) home.flow = flow;
  if (action !== undefined) home.action = action;
  if (federationRequestId !== undefined) home.federationRequestId = federationRequestId;
  if (hops !== undefined) home.hops = hops;
  return { home, nodes };
};
