import { createHmac, randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';

/** Texts that are looked for in sentences, and the shortest that is: shorter ones are parts of other words. */
const MAX_REMEMBERED_TEXTS = 1_000;
const MIN_TEXT_CHARS = 4;
/** Makes bytes that are not text to Ruby either, so that what was binary stays so. */
const NO_TEXT = 0xff;
/** From here on integers are `bigint` on both sides. */
const BIG = 2n ** 64n;

/** What floats are as text that are not numbers to JSON: they tell nothing, and the other side has them as floats. */
const INFINITE: ReadonlySet<string> = new Set(['Infinity', '-Infinity', 'NaN']);

interface Quotable {
  /** As it is, and as programs quote it. */
  readonly forms: readonly string[];
  readonly placeholder: string;
}

/** All but what every program quotes as it is. */
const ESCAPED = /["\\#]|[^ -~]/;

const literally = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');

const hex = (char: string): string => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** JSON, JSON in ASCII, and Ruby's `inspect`; the first of these once more, for JSON within JSON. */
const formsOf = (text: string): readonly string[] => {
  if (!ESCAPED.test(text)) return [text];
  const json = JSON.stringify(text).slice(1, -1);
  const ascii = json.replace(/[\u007f-\uffff]/g, hex);
  const ruby = json.replaceAll('\\u001b', '\\e').replace(/#(?=[{$@])/g, '\\#');
  return [...new Set([text, json, ascii, ruby, JSON.stringify(json).slice(1, -1)])];
};

/**
 * What stands in for values: always the same for the same value of a kind, and nothing that tells the value. Values
 * are known by an HMAC under a key that never leaves the process, so that values cannot be guessed either.
 */
export class Placeholders {
  readonly #key = randomBytes(32);
  readonly #numbers = new Map<string, number>();
  /** The latest texts, for sentences that quote them. */
  readonly #texts = new LRUCache<string, Quotable>({ max: MAX_REMEMBERED_TEXTS });

  text(value: string): string {
    if (value === '' || INFINITE.has(value)) return value;
    const placeholder = `redacted-${this.#number('text', value)}`;
    if (value.length >= MIN_TEXT_CHARS) this.#remember(value, placeholder);
    return placeholder;
  }

  binary(value: Uint8Array): Buffer {
    const number = this.#number('binary', Buffer.from(value).toString('base64'));
    return Buffer.concat([Buffer.of(NO_TEXT), Buffer.from(`redacted-${number}`)]);
  }

  integer(value: number): number {
    return this.#numeric(value, this.#number('integer', String(value)));
  }

  bigint(value: bigint): bigint {
    return this.#numeric(value, BIG + BigInt(this.#number('integer', String(value))));
  }

  /** Never integral: JSON's writers disagree on how such a float looks. */
  float(value: number): number {
    return this.#numeric(value, this.#number('float', String(value)) + 0.5);
  }

  /** A text without those that were replaced of late: errors quote inputs, and so do agents. */
  sentence(text: string): string {
    const quoted = new Map<string, string>();
    this.#texts.rforEach(({ forms, placeholder }) => {
      for (const form of forms) if (text.includes(form)) quoted.set(form, placeholder);
    });
    if (quoted.size === 0) return text;
    // The longest first: one text may be a part of another. At once: a placeholder is not text to look into.
    const longest = [...quoted.keys()].toSorted((one, other) => other.length - one.length);
    const any = new RegExp(longest.map(literally).join('|'), 'g');
    return text.replace(any, (form) => quoted.get(form) ?? form);
  }

  /** Sentences quote numbers too; one of fewer digits may be any other. */
  #numeric<T extends number | bigint>(value: T, placeholder: T): T {
    const text = String(value);
    if (text.replace(/\D/g, '').length >= MIN_TEXT_CHARS) this.#remember(text, String(placeholder));
    return placeholder;
  }

  #remember(value: string, placeholder: string): void {
    const known = this.#texts.get(value);
    this.#texts.set(
      value,
      known?.placeholder === placeholder ? known : { forms: formsOf(value), placeholder },
    );
  }

  #number(kind: string, value: string): number {
    const id = createHmac('sha256', this.#key).update(`${kind}\0${value}`).digest('base64').slice(0, 22);
    const known = this.#numbers.get(id);
    if (known !== undefined) return known;
    const number = this.#numbers.size + 1;
    this.#numbers.set(id, number);
    return number;
  }
}
