import { createHmac } from 'node:crypto';
import { formatJson } from '../codec/json.ts';
import { isMap, type Value, type ValueMap } from '../envelope/value.ts';

/** What becomes of an input: it is left out, or stands there as a code that is the same for the same value. */
export type Treatment = 'drop' | 'hmac';

export interface Redaction {
  /** By the names of inputs, at any depth; `*` is for all that are not named. */
  readonly keys: ReadonlyMap<string, Treatment>;
  /** What codes are made with; nobody without it can try out values. */
  readonly secret: Buffer | undefined;
}

export const NO_REDACTION: Redaction = { keys: new Map(), secret: undefined };

const DROPPED = '[dropped]';

/** The code of a value: the HMAC-SHA256 of its JSON. */
export const hmacOf = (value: Value, secret: Buffer): string =>
  `hmac:${createHmac('sha256', secret).update(formatJson(value)).digest('hex')}`;

const redactedValue = (value: Value, redaction: Redaction): Value => {
  if (isMap(value)) return redacted(value, redaction);
  return Array.isArray(value) ? value.map((one: Value) => redactedValue(one, redaction)) : value;
};

/** Inputs as they may be written down. */
export const redacted = (data: ValueMap, redaction: Redaction): ValueMap => {
  const { keys, secret } = redaction;
  if (keys.size === 0) return data;
  const clean = new Map<string, Value>();
  for (const [key, value] of data) {
    const treatment = keys.get(key) ?? keys.get('*');
    if (treatment === undefined) clean.set(key, redactedValue(value, redaction));
    // Without a key there is no code that keeps the value to itself.
    else if (treatment === 'drop' || secret === undefined) clean.set(key, DROPPED);
    else clean.set(key, hmacOf(value, secret));
  }
  return clean;
};
