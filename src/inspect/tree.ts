import type { Value } from '../envelope/value.ts';

/** Every layer that a message may have, by the name that JSON output bears, with its name for people. */
export const LAYERS = {
  capture: 'line of a capture',
  'cassette-header': 'beginning of a cassette',
  'cassette-line': 'line of a cassette',
  'stomp-frame': 'STOMP frame',
  base64: 'base64 text',
  'legacy-request': 'MCollective request',
  'legacy-reply': 'MCollective reply',
  'legacy-signed': 'signed document of an MCollective request',
  'transport-v1': 'Choria transport, protocol 1',
  'secure-request-v1': 'Choria secure request, protocol 1',
  'secure-reply-v1': 'Choria secure reply, protocol 1',
  'request-v1': 'Choria request, protocol 1',
  'reply-v1': 'Choria reply, protocol 1',
  'transport-v2': 'Choria transport, protocol 2',
  'secure-request-v2': 'Choria secure request, protocol 2',
  'secure-reply-v2': 'Choria secure reply, protocol 2',
  'request-v2': 'Choria request, protocol 2',
  'reply-v2': 'Choria reply, protocol 2',
  own: "message of an adapter's own format",
  token: 'token (JWT)',
  stats: 'statistics of a Federation Broker',
  'rpc-request': 'RPC request',
  'rpc-reply': 'RPC reply',
  ping: 'discovery ping',
  pong: 'discovery pong',
  ruby: 'Ruby value',
  json: 'JSON',
  unknown: 'unknown bytes',
} as const satisfies Readonly<Record<string, string>>;

export type LayerKind = keyof typeof LAYERS;

export type Format = 'json' | 'marshal' | 'yaml';

/** One named thing of a layer. */
export interface Field {
  readonly name: string;
  readonly value: Value;
  /** The moment that the value stands for, in ms since the epoch. */
  readonly time?: number;
  /** Of a ttl: when the life that it grants ends, in ms since the epoch. */
  readonly ends?: number;
  /** The value in words, where its own form is hard to read. */
  readonly text?: string;
}

/** What is known of who made a layer, or whether it is intact. */
export interface Verdict {
  readonly of: 'signature' | 'hash' | 'token';
  readonly state: 'valid' | 'invalid' | 'unverified';
  /** A sentence without its full stop. */
  readonly reason: string;
}

/** Some bytes around the place of a problem. */
export interface Excerpt {
  /** Where the bytes begin in their layer. */
  readonly from: number;
  readonly bytes: Buffer;
}

/** Why a layer could not be read wholly, or would not be accepted. */
export interface Problem {
  readonly message: string;
  /** Byte of the layer, from 0; its length where the reading came to the end and something was missing. */
  readonly offset?: number;
  readonly excerpt?: Excerpt;
}

/** One layer of a message; a tree, because a secure request of protocol 2 holds tokens beside the request. */
export interface Layer {
  readonly kind: LayerKind;
  /** How it is written, where the kind alone does not say. */
  readonly format?: Format;
  /** Undefined where the layer has no bytes of its own, such as a payload that shares its document. */
  readonly bytes?: number;
  readonly fields: readonly Field[];
  readonly verdicts: readonly Verdict[];
  readonly problems: readonly Problem[];
  readonly inside: readonly Layer[];
}

const NOTHING: Omit<Layer, 'kind'> = { fields: [], verdicts: [], problems: [], inside: [] };

export const layerOf = (kind: LayerKind, parts: Partial<Omit<Layer, 'kind'>> = {}): Layer => ({
  kind,
  ...NOTHING,
  ...parts,
});

/** A layer and all that is in it, outermost first. */
export const layersOf = (layer: Layer): readonly Layer[] => [layer, ...layer.inside.flatMap(layersOf)];

/** Whether everything in a message could be read. What a signature is worth is another question. */
export const isWhole = (layer: Layer): boolean =>
  layersOf(layer).every(({ problems }) => problems.length === 0);
