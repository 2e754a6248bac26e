import type { Json } from './choria-messages.ts';

/** Why a node does not look at a message any further; real ones log it and answer nothing. */
export class Refused extends Error {
  override readonly name = 'Refused';
}

export const must: (holds: boolean, why: string) => asserts holds = (holds, why) => {
  if (!holds) throw new Refused(why);
};

export const objectOf = (value: unknown, what: string): Json => {
  must(typeof value === 'object' && value !== null && !Array.isArray(value), `${what} is no object`);
  return Object.fromEntries(Object.entries(value));
};

export const textOf = (value: unknown, what: string): string => {
  must(typeof value === 'string' && value !== '', `${what} is no text`);
  return value;
};

export const listOf = (value: unknown, what: string): readonly unknown[] => {
  must(Array.isArray(value), `${what} is no list`);
  return value;
};

export const integerOf = (value: unknown, what: string): number => {
  must(typeof value === 'number' && Number.isSafeInteger(value), `${what} is no integer`);
  return value;
};

/** As Go reads `[]byte`: standard alphabet with padding, line ends anywhere. */
const isBase64 = (text: string): boolean =>
  /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text.replace(/[\r\n]/g, ''));

export const bytesOf = (value: unknown, what: string): Buffer => {
  const text = textOf(value, what);
  must(isBase64(text), `base64 of ${what}`);
  return Buffer.from(text, 'base64');
};

/** go-choria's `SetBase64Payload`: what is no base64 stays as it is. */
export const payloadOf = (text: string): string =>
  isBase64(text) ? Buffer.from(text, 'base64').toString() : text;

export const hopsOf = (value: unknown): readonly (readonly string[])[] | undefined =>
  value === undefined
    ? undefined
    : listOf(value, 'the trail').map((hop) => listOf(hop, 'a hop').map((part) => textOf(part, 'a hop')));
