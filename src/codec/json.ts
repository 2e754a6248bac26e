import { Rejection } from '../envelope/rejection.ts';
import { Float, float, integer, type Value, type ValueMap } from '../envelope/value.ts';
import { tryDecodeBase64 } from './base64.ts';

/** How much a document may hold; exceeding any is an error, never a truncation. */
export interface JsonLimits {
  readonly maxDepth: number;
  /** Values of any kind in the document. */
  readonly maxElements: number;
}

export const DEFAULT_JSON_LIMITS: JsonLimits = { maxDepth: 64, maxElements: 200_000 };

/** Reading and writing an integer takes more than linear time, so one of megabytes would hold up everything else. */
const MAX_DIGITS = 20_000;
/** Of all numbers of a document together that have more digits than any counter or checksum. */
const MAX_LONG_DIGITS = 40_000;
const LONG_DIGITS = 100;

const NUMBER = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;

/** A parser of its own, because `JSON.parse` rounds integers, loses `3.0` and puts keys that look like numbers first. */
class Parser {
  private readonly text: string;
  private readonly limits: JsonLimits;
  private at = 0;
  private elements = 0;
  private digits = 0;

  constructor(text: string, limits: JsonLimits) {
    this.text = text;
    this.limits = limits;
  }

  document(): Value {
    const value = this.value(1);
    this.space();
    if (this.at < this.text.length) throw this.malformed();
    return value;
  }

  private malformed(): Rejection {
    const found = this.at < this.text.length ? 'unexpected text' : 'unexpected end';
    return new Rejection('malformed_json', `not JSON: ${found} at position ${this.at}`);
  }

  private limit(what: string): Rejection {
    return new Rejection('limit_exceeded', `the JSON has more than ${what} at position ${this.at}`);
  }

  private space(): number {
    for (;;) {
      const code = this.text.charCodeAt(this.at);
      if (code !== 32 && code !== 10 && code !== 13 && code !== 9) return code;
      this.at++;
    }
  }

  private value(depth: number): Value {
    if (++this.elements > this.limits.maxElements) throw this.limit(`${this.limits.maxElements} values`);
    if (depth > this.limits.maxDepth) throw this.limit(`${this.limits.maxDepth} levels`);
    const code = this.space();
    if (code === 0x22) return this.string();
    if (code === 0x7b) return this.object(depth);
    if (code === 0x5b) return this.list(depth);
    if (code === 0x74) return this.word('true', true);
    if (code === 0x66) return this.word('false', false);
    if (code === 0x6e) return this.word('null', null);
    // Ruby's `JSON.dump` writes these three, which are no JSON.
    if (code === 0x4e) return this.word('NaN', Number.NaN);
    if (code === 0x49) return this.word('Infinity', Number.POSITIVE_INFINITY);
    if (code === 0x2d && this.text.charCodeAt(this.at + 1) === 0x49)
      return this.word('-Infinity', Number.NEGATIVE_INFINITY);
    return this.number();
  }

  private word<T extends Value>(word: string, value: T): T {
    if (!this.text.startsWith(word, this.at)) throw this.malformed();
    this.at += word.length;
    return value;
  }

  private number(): Value {
    NUMBER.lastIndex = this.at;
    const match = NUMBER.exec(this.text);
    if (match === null) throw this.malformed();
    const [literal, fraction, exponent] = match;
    if (literal.length > MAX_DIGITS) throw this.limit(`${MAX_DIGITS} digits in a number`);
    if (literal.length > LONG_DIGITS) this.digits += literal.length;
    if (this.digits > MAX_LONG_DIGITS) throw this.limit(`${MAX_LONG_DIGITS} digits in long numbers`);
    this.at += literal.length;
    if (fraction !== undefined || exponent !== undefined) return float(Number(literal));
    // 15 digits are safe; `+ 0` makes -0 the integer that it is.
    return literal.length <= 15 ? Number(literal) + 0 : integer(BigInt(literal));
  }

  private string(): string {
    const { text } = this;
    const start = this.at + 1;
    let escaped = false;
    for (let i = start; ; i++) {
      const code = text.charCodeAt(i);
      if (code === 0x22) {
        this.at = i + 1;
        return escaped ? this.unescape(start - 1, i + 1) : text.slice(start, i);
      }
      if (code === 0x5c) {
        escaped = true;
        i++;
      } else if (!(code >= 0x20)) {
        // a control character, or NaN at the end of the text
        this.at = Math.min(i, text.length);
        throw this.malformed();
      }
    }
  }

  private unescape(start: number, end: number): string {
    try {
      return String(JSON.parse(this.text.slice(start, end)));
    } catch {
      this.at = start;
      throw this.malformed();
    }
  }

  private list(depth: number): Value {
    const list: Value[] = [];
    this.at++;
    if (this.space() === 0x5d) {
      this.at++;
      return list;
    }
    for (;;) {
      list.push(this.value(depth + 1));
      const code = this.space();
      if (code === 0x5d) break;
      if (code !== 0x2c) throw this.malformed();
      this.at++;
    }
    this.at++;
    return list;
  }

  private object(depth: number): Value {
    const map = new Map<string, Value>();
    this.at++;
    if (this.space() === 0x7d) {
      this.at++;
      return map;
    }
    for (;;) {
      if (this.space() !== 0x22) throw this.malformed();
      const key = this.string();
      if (this.space() !== 0x3a) throw this.malformed();
      this.at++;
      map.set(key, this.value(depth + 1));
      const code = this.space();
      if (code === 0x7d) break;
      if (code !== 0x2c) throw this.malformed();
      this.at++;
    }
    this.at++;
    return map.size === 1 ? binary(map) : map;
  }
}

/** `{"base64": "…"}` is how the model writes bytes that are not text; anything else stays what it is. */
const binary = (map: ValueMap): ValueMap | Uint8Array => {
  const text = map.get('base64');
  return typeof text === 'string' ? (tryDecodeBase64(text) ?? map) : map;
};

/**
 * JSON text as the neutral model: integers of any size exact, `3.0` a Float, keys in order, the last of equal keys; and
 * `NaN`, `Infinity` and `-Infinity` as Ruby writes them.
 * @throws Rejection `malformed_json`, or `limit_exceeded`
 */
export const parseJson = (text: string, limits: JsonLimits = DEFAULT_JSON_LIMITS): Value =>
  new Parser(text, limits).document();

/** Anything but what JSON takes as it is: quotes, backslashes, control characters, and halves of surrogate pairs. */
const SPECIAL = /[^ !#-[\]-\ud7ff\ue000-\uffff]/;

/** A string literal. Half a surrogate pair becomes U+FFFD, as neither Ruby nor Go could carry it. */
export const formatString = (text: string): string => {
  // Long texts are documents inside documents, full of quotes.
  if (text.length < 128 && !SPECIAL.test(text)) return `"${text}"`;
  return JSON.stringify(text.isWellFormed() ? text : text.toWellFormed());
};

const formatFloat = (value: number): string => {
  // JSON has no word for them, and `null` would be another value.
  if (!Number.isFinite(value)) return `"${value}"`;
  if (Object.is(value, -0)) return '-0.0';
  const text = String(value);
  return Number.isInteger(value) && !text.includes('e') ? `${text}.0` : text;
};

const isList = (value: unknown): value is readonly Value[] => Array.isArray(value);

/** How many digits of long integers a document may still have. */
interface Digits {
  left: number;
}

const formatInteger = (value: bigint, digits: Digits): string => {
  const text = String(value);
  if (text.length > LONG_DIGITS) digits.left -= text.length;
  if (digits.left < 0)
    throw new Rejection(
      'limit_exceeded',
      `the long integers have more than ${MAX_LONG_DIGITS} digits together`,
    );
  return text;
};

const formatMap = (map: ValueMap, digits: Digits): string => {
  let out = '{';
  for (const [key, value] of map)
    out += `${out === '{' ? '' : ','}${formatString(key)}:${format(value, digits)}`;
  return `${out}}`;
};

const formatList = (list: readonly Value[], digits: Digits): string => {
  let out = '[';
  for (const value of list) out += (out === '[' ? '' : ',') + format(value, digits);
  return `${out}]`;
};

const format = (value: Value, digits: Digits): string => {
  if (typeof value === 'string') return formatString(value);
  if (typeof value === 'number') return Number.isSafeInteger(value) ? String(value) : formatFloat(value);
  if (value === null) return 'null';
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'bigint') return formatInteger(value, digits);
  if (value instanceof Map) return formatMap(value, digits);
  if (isList(value)) return formatList(value, digits);
  if (value instanceof Float) return formatFloat(value.value);
  if (value instanceof Uint8Array)
    return `{"base64":"${Buffer.from(value.buffer, value.byteOffset, value.length).toString('base64')}"}`;
  throw new Rejection('unsupported_value', `a value of type ${typeof value} cannot be written as JSON`);
};

/**
 * The model as JSON text without spaces.
 * @throws Rejection `unsupported_value` for what is not of the model, `limit_exceeded` for many long integers
 */
export const formatJson = (value: Value): string => format(value, { left: MAX_LONG_DIGITS });
