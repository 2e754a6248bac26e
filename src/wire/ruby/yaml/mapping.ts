import { encodeMarshal } from '../marshal/encode.ts';
import { BINARY, isAscii } from '../text.ts';
import { RubyHash, RubyString, RubySymbol, type RubyValue } from '../value.ts';

/** What two keys have in common exactly when Ruby's `eql?` holds them equal. */
const identity = (key: RubyValue): string => {
  if (typeof key === 'string') return `"${key}`;
  if (key instanceof RubySymbol) return `:${key.name}`;
  // A binary string of ASCII equals the same text.
  if (key instanceof RubyString && key.encoding === BINARY && isAscii(key.bytes, 0, key.bytes.length))
    return `"${key.bytes.toString('latin1')}`;
  return `=${encodeMarshal(key).toString('latin1')}`;
};

/** A hash in the making: a key that comes again keeps its place and takes the new value, as in Ruby. */
export class HashBuilder {
  readonly #entries = new Map<string, [RubyValue, RubyValue]>();

  set(key: RubyValue, value: RubyValue): void {
    const id = identity(key);
    const entry = this.#entries.get(id);
    if (entry === undefined) this.#entries.set(id, [key, value]);
    else entry[1] = value;
  }

  /** `Hash#merge!`. @returns whether the value was a hash */
  merge(value: RubyValue): boolean {
    if (!(value instanceof RubyHash)) return false;
    for (const [key, member] of value.entries) this.set(key, member);
    return true;
  }

  /**
   * The key `<<` with a list: earlier hashes win over later ones. Nothing is merged when one is not a hash.
   * @returns whether all were hashes
   */
  mergeAll(values: readonly RubyValue[]): boolean {
    const merged = new HashBuilder();
    for (const value of values.toReversed()) if (!merged.merge(value)) return false;
    return this.merge(merged.build());
  }

  build(): RubyHash {
    return new RubyHash([...this.#entries.values()]);
  }
}
