import { createHmac, randomBytes } from 'node:crypto';

/** Texts that are looked for in sentences, and the shortest that is: shorter ones are parts of other words. */
const REMEMBERED = 1_000;
const SHORTEST = 4;
/** Makes bytes that are no text to Ruby either, so that what was binary stays so. */
const NO_TEXT = 0xff;
/** From here on integers are `bigint` on both sides. */
const BIG = 2n ** 64n;

/**
 * What stands in for values: always the same for the same value of a kind, and nothing that tells the value. Values
 * are known by an HMAC under a key that nobody else ever has, so that nobody can try values either.
 */
export class Placeholders {
  readonly #key = randomBytes(32);
  readonly #numbers = new Map<string, number>();
  /** The latest texts, for sentences that quote them. */
  readonly #texts = new Map<string, string>();

  text(value: string): string {
    if (value === '') return value;
    const placeholder = `redacted-${this.#number('text', value)}`;
    if (value.length >= SHORTEST) this.#remember(value, placeholder);
    return placeholder;
  }

  binary(value: Uint8Array): Buffer {
    const number = this.#number('binary', Buffer.from(value).toString('base64'));
    return Buffer.concat([Buffer.of(NO_TEXT), Buffer.from(`redacted-${number}`)]);
  }

  integer(value: number): number {
    return this.#number('integer', String(value));
  }

  bigint(value: bigint): bigint {
    return BIG + BigInt(this.#number('integer', String(value)));
  }

  /** Never integral: JSON's writers disagree on how such a float looks. */
  float(value: number): number {
    return this.#number('float', String(value)) + 0.5;
  }

  /** A text without those that were replaced of late: errors quote inputs, and so do agents. */
  sentence(text: string): string {
    const quoted = [...this.#texts].filter(([secret]) => text.includes(secret));
    // The longest first: one text may be a part of another.
    return quoted
      .toSorted(([one], [other]) => other.length - one.length)
      .reduce((clean, [secret, placeholder]) => clean.replaceAll(secret, placeholder), text);
  }

  #remember(value: string, placeholder: string): void {
    this.#texts.delete(value);
    this.#texts.set(value, placeholder);
    const [oldest] = this.#texts.keys();
    if (this.#texts.size > REMEMBERED && oldest !== undefined) this.#texts.delete(oldest);
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
