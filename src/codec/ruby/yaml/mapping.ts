import { createHash } from 'node:crypto';
import { RubyObject } from '../classes/plain.ts';
import { BINARY, isAscii } from '../text.ts';
import {
  RubyFloat,
  RubyHash,
  RubyRegexp,
  RubySet,
  RubyString,
  RubyStruct,
  RubySymbol,
  RubyTime,
  type RubyValue,
} from '../value.ts';

const objects = new WeakMap<RubyObject, number>();
let nextObject = 0;

/** Of lists, hashes, sets and structs that were looked at: a key may hold one of them many times over. */
const known = new WeakMap<object, string>();

/** As long whatever the parts are, so that what is nested takes no more than what is flat. */
const digest = (kind: string, parts: readonly string[]): string => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${part.length}:${part}`);
  return `${kind}${hash.digest('base64')}`;
};

const pairIdentity = ([key, value]: readonly [RubyValue, RubyValue]): string =>
  digest('=', [identity(key), identity(value)]);

/** What two keys have in common exactly when Ruby's `eql?` holds them equal. */
const identity = (key: RubyValue): string => {
  if (typeof key === 'string') return `"${key}`;
  if (key === null || typeof key !== 'object') return String(key);
  if (key instanceof RubySymbol) return `:${key.name}`;
  if (key instanceof RubyString) {
    const bytes = key.bytes.toString('latin1');
    // A binary string of ASCII equals the same text.
    const isText = key.encoding === BINARY && isAscii(key.bytes, 0, key.bytes.length);
    return isText ? `"${bytes}` : `s${key.encoding} ${bytes}`;
  }
  // 0.0 and -0.0 are one key.
  if (key instanceof RubyFloat) return `f${key.value === 0 ? 0 : key.value}`;
  if (key instanceof RubyRegexp) return `/${key.options}/${key.source}`;
  // In whatever offset.
  if (key instanceof RubyTime) return `t${key.nanoseconds}`;
  if (key instanceof RubyObject) {
    const number = objects.get(key) ?? nextObject++;
    objects.set(key, number);
    return `o${number}`;
  }
  const before = known.get(key);
  if (before !== undefined) return before;
  const found = ofCollection(key);
  known.set(key, found);
  return found;
};

const ofCollection = (key: readonly RubyValue[] | RubySet | RubyHash | RubyStruct): string => {
  // The order of a set or hash does not count.
  if (key instanceof RubySet) return digest('S', key.members.map(identity).sort());
  if (key instanceof RubyHash) return digest('{', key.entries.map(pairIdentity).sort());
  if (key instanceof RubyStruct)
    return digest('<', [String(key.className), ...key.members.map(pairIdentity)]);
  return digest('[', key.map(identity));
};

/** What tells the keys of a hash apart where some of their texts are objects of another class, for the code that merges it. */
const identities = new WeakMap<RubyHash, readonly string[]>();

/** A hash in the making: a key that comes again keeps its place and takes the new value, as in Ruby. */
export class HashBuilder {
  readonly #entries = new Map<string, [RubyValue, RubyValue]>();
  #hasOwners = false;

  /** @param owner of a text that is an object of another class: no text, and no object of another owner, equals it */
  set(key: RubyValue, value: RubyValue, owner = ''): void {
    if (owner !== '') this.#hasOwners = true;
    this.#put(owner + identity(key), key, value);
  }

  /** `Hash#merge!`. @returns whether the value was a hash */
  merge(value: RubyValue): boolean {
    if (!(value instanceof RubyHash) || value instanceof RubyObject) return false;
    const ids = identities.get(value);
    if (ids !== undefined) this.#hasOwners = true;
    for (const [index, [key, member]] of value.entries.entries())
      this.#put(ids?.[index] ?? identity(key), key, member);
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
    const hash = new RubyHash([...this.#entries.values()]);
    if (this.#hasOwners) identities.set(hash, [...this.#entries.keys()]);
    return hash;
  }

  #put(id: string, key: RubyValue, value: RubyValue): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) this.#entries.set(id, [key, value]);
    else entry[1] = value;
  }
}
