import { isUtf8 } from 'node:buffer';
import { z } from 'zod';
import { errorText } from '../../envelope/text.ts';
import { CassetteError } from './problem.ts';

/** The version of the format that this program writes, and the only one that it reads. */
export const CASSETTE_VERSION = 1;

/** The end of a cassette's file name, by which those of a folder are found. */
export const CASSETTE_SUFFIX = '.cassette.ndjson';

/** Whether a file of this name is a cassette. The further files of a recording that was rotated are `<file>.2`, `<file>.3`, … */
export const isCassetteName = (file: string): boolean => file.replace(/\.\d+$/, '').endsWith(CASSETTE_SUFFIX);

/** Ms since the epoch; the farthest that a Date can hold. */
const ms = () => z.number().int().min(0).max(8.64e15);
const name = () => z.string().min(1).max(255);
const pem = () => z.string().regex(/^-----BEGIN /, 'it is no PEM text');
const secret = () => z.string().regex(/^[0-9a-f]{64}$/, 'it is not 64 hex digits');
const fingerprint = () => z.string().regex(/^sha256:[0-9a-f]{64}$/, 'it is not "sha256:" and 64 hex digits');

/** Whom to believe instead of whom the configuration names: public halves of throw-away keys, as PEM texts, and throw-away secrets. */
const trustSchema = z.strictObject({
  ingresses: z
    .record(
      name(),
      z.strictObject({
        /** The CA of Choria's callers. */
        ca: pem().optional(),
        /** Its revocation lists, with those who stand for callers that were revoked. */
        crl: pem().optional(),
        /** Public keys of legacy callers, by the name after `cert=`. */
        callers: z.record(name(), pem()).optional(),
        secrets: z.record(name(), secret()).optional(),
      }),
    )
    .optional(),
  egresses: z
    .record(
      name(),
      z.strictObject({
        /** Public keys of the legacy daemons. */
        server_public_key: z.array(pem()).min(1).optional(),
        /** In the place of secrets that both sides of a network share, by their settings. */
        secrets: z.record(name(), secret()).optional(),
      }),
    )
    .optional(),
});

export const headerSchema = z.strictObject({
  cassette: z.literal(CASSETTE_VERSION),
  /** ISO 8601. */
  created: z.iso.datetime({ offset: true }),
  /** The program that made it, `mcbridge 0.1.0`. */
  by: z.string(),
  /** The configuration that it was made with, so far as it is known. */
  config: z.strictObject({
    sha256: fingerprint().optional(),
    /** Each route in words. */
    routes: z.array(z.string()),
  }),
  /** What the recorded bridge calls itself: taken over where the replaying configuration leaves it to the host's name. */
  bridge: z.strictObject({ identity: name(), cluster: name(), instance: name() }).optional(),
  /** Of the first message, ms since the epoch. */
  clock: ms(),
  /** Hex digits that randomness is derived from. */
  seed: z.string().regex(/^[0-9a-f]{1,128}$/, 'it is not made of hex digits'),
  /** What keys there were: the setting of the configuration, and the fingerprint of the key or its public half. */
  keys: z.record(z.string(), fingerprint()),
  trust: trustSchema.optional(),
  /** Nodes that were known when it began: by egress and collective. */
  nodes: z.record(name(), z.record(name(), z.array(name()))),
  /** Whether refused messages are noted; where they are not, as in what was recorded from outside, they do not count. */
  rejections: z.boolean().optional(),
  note: z.string().optional(),
});

export type CassetteHeader = z.output<typeof headerSchema>;
export type CassetteTrust = z.output<typeof trustSchema>;

const messageSchema = z.strictObject({
  at: ms(),
  /** Name of an ingress or egress. */
  link: name(),
  side: z.enum(['ingress', 'egress']),
  /** `in` came to the bridge, `out` was sent by it. */
  dir: z.enum(['in', 'out']),
  destination: z.string().min(1),
  reply_to: z.string().optional(),
  headers: z.record(z.string(), z.string()).optional(),
  text: z.string().optional(),
  base64: z.string().optional(),
});

const rejectedSchema = z.strictObject({
  at: ms(),
  rejected: z.strictObject({
    code: z.string().regex(/^[a-z\d_]+$/, 'it is no code of a rejection'),
    request_id: z.string().optional(),
    sender: z.string().optional(),
  }),
});

const nodesSchema = z.strictObject({
  at: ms(),
  nodes: z.strictObject({
    egress: name(),
    collective: name(),
    /** Who is known to be there from now on. */
    came: z.array(name()).optional(),
    /** Who is known no longer. */
    gone: z.array(name()).optional(),
  }),
});

/** A message that passed a link of the bridge. Its body is in `text` where it is UTF-8, else in `base64`. */
export type CassetteMessage = z.output<typeof messageSchema>;

/** That the bridge refused a message. */
export type CassetteRejected = z.output<typeof rejectedSchema>;

/** That the bridge has learned, by its own questions, who lives behind an egress, or forgotten it. */
export type CassetteNodes = z.output<typeof nodesSchema>;

/** What the bridge got or did; the only lines that a replay compares. */
export type CassetteEntry = CassetteMessage | CassetteRejected;

/** Any line but the first. */
export type CassetteLine = CassetteEntry | CassetteNodes;

export const isRejected = (entry: CassetteLine): entry is CassetteRejected => 'rejected' in entry;

export const isNodes = (line: CassetteLine): line is CassetteNodes => 'nodes' in line;

export const isMessage = (line: CassetteLine): line is CassetteMessage => 'dir' in line;

/** The body of a message as the fields that hold it. */
export const bodyFields = (body: Uint8Array): Pick<CassetteMessage, 'text' | 'base64'> => {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  return isUtf8(bytes) ? { text: bytes.toString('utf8') } : { base64: bytes.toString('base64') };
};

export const bodyOf = ({ text, base64 }: Pick<CassetteMessage, 'text' | 'base64'>): Buffer =>
  base64 === undefined ? Buffer.from(text ?? '', 'utf8') : Buffer.from(base64, 'base64');

/** What is wrong with a line, in words: the key and the sentence of each issue. */
const wordsOf = ({ issues }: z.ZodError): string =>
  issues
    .map(({ path, message }) => (path.length === 0 ? message : `${path.join('.')}: ${message}`))
    .join('; ');

const jsonOf = (line: string): unknown => {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw new CassetteError(`it is not JSON: ${errorText(error)}`);
  }
};

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** @throws CassetteError without a place */
export const parseHeader = (line: string): CassetteHeader => {
  const value = jsonOf(line);
  if (!isObject(value) || !('cassette' in value))
    throw new CassetteError('a cassette begins with a line that has "cassette": 1, and this is none');
  if (value.cassette !== CASSETTE_VERSION)
    throw new CassetteError(
      `it is of version ${JSON.stringify(value.cassette)}, and this program reads version ${CASSETTE_VERSION}`,
    );
  const result = headerSchema.safeParse(value);
  if (!result.success) throw new CassetteError(wordsOf(result.error));
  return result.data;
};

/** Buffer skips what it does not know, and takes the URL alphabet too: what it skips is missing from the bytes. */
const isBase64 = (text: string): boolean => {
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  const bytes = (text.length / 4) * 3 - padding;
  return !/[-_]/.test(text) && Buffer.from(text, 'base64').length === bytes;
};

/** @throws CassetteError without a place */
export const parseEntry = (line: string): CassetteLine => {
  const value = jsonOf(line);
  if (isObject(value) && 'rejected' in value) {
    const rejected = rejectedSchema.safeParse(value);
    if (!rejected.success) throw new CassetteError(wordsOf(rejected.error));
    return rejected.data;
  }
  if (isObject(value) && 'nodes' in value) {
    const nodes = nodesSchema.safeParse(value);
    if (!nodes.success) throw new CassetteError(wordsOf(nodes.error));
    return nodes.data;
  }
  const message = messageSchema.safeParse(value);
  if (!message.success) throw new CassetteError(wordsOf(message.error));
  const { text, base64 } = message.data;
  if ((text === undefined) === (base64 === undefined))
    throw new CassetteError('a message has its body either in "text" or in "base64"');
  if (base64 !== undefined && !isBase64(base64)) throw new CassetteError('base64: it is not base64');
  return message.data;
};

/** Without the keys that are undefined, and in the order of the schema, so that a diff shows what has changed. */
const ordered = (schema: { readonly shape: object }, value: object): Record<string, unknown> => {
  const given = new Map<string, unknown>(Object.entries(value));
  return Object.fromEntries(
    Object.keys(schema.shape).flatMap((key) => {
      const it = given.get(key);
      return it === undefined ? [] : [[key, it] as const];
    }),
  );
};

/** The first line, with its line end. */
export const formatHeader = (header: CassetteHeader): string =>
  `${JSON.stringify(ordered(headerSchema, header))}\n`;

/** Any other line, with its line end. */
export const formatEntry = (entry: CassetteLine): string =>
  `${JSON.stringify(ordered(schemaOf(entry), entry))}\n`;

const schemaOf = (entry: CassetteLine): { readonly shape: object } => {
  if (isNodes(entry)) return nodesSchema;
  return isRejected(entry) ? rejectedSchema : messageSchema;
};
