import { tryDecodeBase64 } from '../codec/base64.ts';
import type { Context } from './context.ts';
import { problemAt } from './problem.ts';
import { type Layer, layerOf } from './tree.ts';

/** Bytes in base64; where the text is damaged, those before the damage. */
export interface Decoded {
  readonly bytes: Buffer;
  /** The character where it stops being base64; undefined where it does not. */
  readonly stops?: number;
}

const BEGINNING = /^[A-Za-z0-9+/\r\n]*/;

export const decodePart = (text: string): Decoded => {
  const whole = tryDecodeBase64(text);
  if (whole !== undefined) return { bytes: whole };
  const good = BEGINNING.exec(text)?.[0] ?? '';
  const compact = good.replace(/[\r\n]/g, '');
  const bytes = Buffer.from(compact.slice(0, compact.length - (compact.length % 4)), 'base64');
  return { bytes, stops: good.length };
};

/** Shorter texts are words that happen to be base64. */
const MIN_BYTES = 8;
const TEXT = /^[A-Za-z0-9+/]/;

/** Text of which at least the beginning is base64 of something known; undefined for any other. */
export const readBase64 = (bytes: Buffer, context: Context): Layer | undefined => {
  if (bytes.length < MIN_BYTES || !TEXT.test(bytes.toString('latin1', 0, 1))) return undefined;
  const { bytes: content, stops } = decodePart(bytes.toString('latin1'));
  if (content.length === 0) return undefined;
  const inside = context.inside(content);
  if (inside.kind === 'unknown') return undefined;
  const problems = stops === undefined ? [] : [problemAt(bytes, stops, 'not base64 from here on')];
  return layerOf('base64', { bytes: bytes.length, problems, inside: [inside] });
};
