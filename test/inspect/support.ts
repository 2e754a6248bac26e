import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  createCallerVerifier,
  DEFAULT_ALLOW,
  DEFAULT_PRIVILEGED,
} from '../../src/adapters/choria/wire/index.ts';
import { isMap, type Value } from '../../src/envelope/value.ts';
import { type Keys, NO_KEYS } from '../../src/inspect/keys.ts';
import { decodeMessage } from '../../src/inspect/recognise.ts';
import { type Layer, type LayerKind, layersOf, type Verdict } from '../../src/inspect/tree.ts';

export const CAPTURES = new URL('../../fixtures/captures/', import.meta.url);

export const CAPTURE_FILES = [
  'choria-v1.ndjson',
  'choria-v1-federated.ndjson',
  'legacy-marshal.ndjson',
  'legacy-yaml.ndjson',
] as const;

export type CaptureFile = (typeof CAPTURE_FILES)[number];

export const captureText = (name: string): string => readFileSync(new URL(name, CAPTURES), 'utf8');

export const captureLines = (name: CaptureFile): readonly string[] => captureText(name).trim().split('\n');

const key = (name: string) => ({ key: createPublicKey(captureText(`keys/legacy/${name}`)), source: name });

const alice = key('alice-public.pem');

export const trusting = (ca: string, source = 'ca.pem'): Keys['callers'] => [
  {
    source,
    verifier: createCallerVerifier({ ca, allow: DEFAULT_ALLOW, privileged: DEFAULT_PRIVILEGED }),
  },
];

/** All keys of the captures. */
export const CAPTURE_KEYS: Keys = {
  callers: trusting(captureText('keys/choria/ca.pem')),
  clientKey: (callerId) =>
    callerId === 'cert=alice-public' ? alice : { missing: `no key for ${callerId} in keys` },
  serverKeys: [key('server-public.pem')],
};

/** A day after the captures were made, in ms. */
export const NOW = 1_795_500_000_000;

export const decode = (bytes: string | Uint8Array, keys: Keys = CAPTURE_KEYS, now = NOW): Layer =>
  decodeMessage(typeof bytes === 'string' ? Buffer.from(bytes) : Buffer.from(bytes), keys, now);

export const decodeWithoutKeys = (bytes: string | Uint8Array): Layer => decode(bytes, NO_KEYS);

/** The kinds of all layers, outermost first. */
export const kindsOf = (layer: Layer): readonly LayerKind[] => layersOf(layer).map(({ kind }) => kind);

export const verdictsOf = (layer: Layer): readonly Verdict[] =>
  layersOf(layer).flatMap(({ verdicts }) => verdicts);

export const problemsOf = (layer: Layer) => layersOf(layer).flatMap(({ problems }) => problems);

export const layer = (tree: Layer, kind: LayerKind): Layer => {
  const found = layersOf(tree).find((it) => it.kind === kind);
  if (found === undefined) throw new Error(`no ${kind} among ${kindsOf(tree).join(', ')}`);
  return found;
};

export const field = (tree: Layer, kind: LayerKind, name: string) => {
  const found = layer(tree, kind).fields.find((it) => it.name === name);
  if (found === undefined) throw new Error(`${kind} has no field ${name}`);
  return found;
};

export const value = (tree: Layer, kind: LayerKind, name: string): Value => field(tree, kind, name).value;

export const mapValue = (tree: Layer, kind: LayerKind, name: string): ReadonlyMap<string, Value> => {
  const found = value(tree, kind, name);
  if (!isMap(found)) throw new Error(`${name} is no hash`);
  return found;
};

interface Line {
  readonly command?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly payload?: string;
}

export const parseLine = (line: string): Line => JSON.parse(line);

/** The bytes that a captured message had on its network: a STOMP frame, or a NATS payload. */
export const wireBytes = (line: string): Buffer => {
  const { command, headers = {}, body = '', payload } = parseLine(line);
  if (command === undefined) return Buffer.from(payload ?? '');
  const head = Object.entries(headers).map(([name, text]) => `${name}:${text}\n`);
  return Buffer.concat([
    Buffer.from(`${command}\n${head.join('')}\n`),
    Buffer.from(body, 'base64'),
    Buffer.from([0]),
  ]);
};

/** Every captured message that has something inside, as it was on its network. */
export const wireMessages = (): readonly Buffer[] =>
  CAPTURE_FILES.flatMap(captureLines)
    .filter((line) => {
      const { body, payload } = parseLine(line);
      return (body ?? payload ?? '') !== '';
    })
    .map(wireBytes);

/**
 * The bytes of every layer of a message, outermost first, taken out of it here by the fields' names and not by the
 * code under test.
 */
export const choriaLayers = (payload: string): readonly Buffer[] => {
  const transport: Readonly<Record<string, string>> = JSON.parse(payload);
  const secure = Buffer.from(transport['data'] ?? '', 'base64');
  const message: string = JSON.parse(secure.toString()).message;
  const body: string = JSON.parse(message).message;
  return [Buffer.from(payload), secure, Buffer.from(message), Buffer.from(body)];
};
