import { createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';

/** Where a chain has come to. */
export interface ChainState {
  /** Tells chains apart; of chance, 32 hex digits. */
  readonly chain: string;
  /** How often a process has gone on with it; the first is 1. */
  readonly epoch: number;
  /** Of the last line; the first is 1. */
  readonly seq: number;
  /** SHA-256 of the last line without its line end, in hex. */
  readonly prev: string;
}

/** What is before the first line. */
const NOTHING = '0'.repeat(64);

export const hashOf = (line: string | Uint8Array): string => createHash('sha256').update(line).digest('hex');

export const newChain = (): ChainState => ({
  chain: randomBytes(16).toString('hex'),
  epoch: 1,
  seq: 0,
  prev: NOTHING,
});

/** Adds members to the end of a JSON object. */
const extended = (json: string, members: string): string => `${json.slice(0, -1)},${members}}`;

/**
 * Puts a record behind the last one.
 * @param json a JSON object of one line
 * @param sign makes the signature of a head, in base64, of all of the line that is before it
 */
export const link = (
  { chain, epoch, seq, prev }: ChainState,
  json: string,
  sign?: (text: string) => string,
): { readonly line: string; readonly state: ChainState } => {
  const next = seq + 1;
  const plain = extended(json, `"chain":"${chain}","epoch":${epoch},"seq":${next},"prev":"${prev}"`);
  const line = sign === undefined ? plain : extended(plain, `"signature":"${sign(plain)}"`);
  return { line, state: { chain, epoch, seq: next, prev: hashOf(line) } };
};

/** What a line says of its place. Anchored at its end: nothing that a caller sends can stand there. */
const PLACE =
  /,"chain":"([0-9a-f]{32})","epoch":([1-9]\d{0,8}),"seq":([1-9]\d{0,14}),"prev":"([0-9a-f]{64})"(?:,"signature":"([A-Za-z0-9+/=]{88})")?\}$/;
/** The longest such end. */
const PLACE_CHARS = 320;

export interface Place extends ChainState {
  readonly signature: string | undefined;
}

/** The place of a line; its `prev` is of the line before. Undefined where it has none. */
export const placeOf = (line: string | Buffer): Place | undefined => {
  const end =
    typeof line === 'string'
      ? line.slice(-PLACE_CHARS)
      : line.toString('latin1', Math.max(0, line.length - PLACE_CHARS));
  const [, chain, epoch, seq, prev, signature] = PLACE.exec(end) ?? [];
  if (chain === undefined || epoch === undefined || seq === undefined || prev === undefined) return undefined;
  return { chain, epoch: Number(epoch), seq: Number(seq), prev, signature };
};

/** What of a line is signed. */
export const signedPart = (line: Buffer, signature: string): Buffer =>
  Buffer.concat([line.subarray(0, line.length - `,"signature":"${signature}"}`.length), Buffer.from('}')]);

const own = z.object({ kind: z.string(), instance: z.string() }).loose();
const record = z.union([
  z.object({ mcbridge: own }).transform(({ mcbridge }) => mcbridge),
  z.object({ specversion: z.string(), data: own }).transform(({ data }) => data),
]);

/** What of a line is the bridge's own, in either format; undefined where it is no record. */
export const ownPart = (line: string): z.output<typeof own> | undefined => {
  try {
    return record.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
};
