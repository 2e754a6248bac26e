import {
  type Alias,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  type Node,
  type Scalar,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import { scalarText } from '../classes/text.ts';
import { MAX_LEVELS } from '../marshal/format.ts';
import { ObjectTable } from '../objects.ts';
import { RubyError, RubyHash, type RubyLimits, RubySymbol, type RubyValue } from '../value.ts';
import { DEFAULT_YAML_LIMITS } from './limits.ts';
import { HashBuilder } from './mapping.ts';
import { parseYaml, type YamlDocument } from './parse.ts';
import { hasLateAnchor, merges, ordered, revived } from './revive.ts';
import { psychScalar } from './scalar.ts';
import { end, start, YamlSource } from './source.ts';
import { isObjectAsText, taggedScalar } from './tagged.ts';
import { isOrdered, isTextTag, mappingTag } from './tags.ts';
import { isDay } from './timestamp.ts';

const malformed = (message: string): RubyError => new RubyError('malformed', message);

/** libyaml ends an anchor where it finds anything else; the `yaml` package only at white space. */
const ANCHOR = /^[A-Za-z0-9_-]+$/;

const checkAnchor = (name: string): void => {
  if (!ANCHOR.test(name)) throw malformed('an anchor with characters that libyaml does not allow');
};

/** Written as `%0A`; Psych's expressions look at each line of a tag. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters in question
const UNUSUAL_IN_TAG = /[\x00-\x20\x7f\x85\u2028\u2029]/;

/** An empty list or hash that stands in one word. */
const emptyKey = (isList: boolean, tag: string | undefined): RubyValue => {
  const empty = new RubyHash([]);
  if (!isList) return revived(mappingTag(tag), empty);
  return isOrdered(tag) ? empty : [];
};

/** Psych's `ToRuby` visitor: nodes to values. */
class YamlReader {
  readonly #objects: ObjectTable;
  readonly #anchors = new Map<string, { readonly index: number; readonly node: Node }>();
  readonly #source: YamlSource;
  /** Of the block collection that is being read; -1 for none. */
  #column = -1;
  #isInFlow = false;

  constructor(document: YamlDocument, limits: RubyLimits) {
    this.#source = new YamlSource(document);
    this.#objects = new ObjectTable(limits, Math.min(limits.maxDepth, MAX_LEVELS), true);
  }

  value(node: unknown, depth: number): RubyValue {
    // A pair without a value has none; `a:` has an empty one.
    if (node === null || node === undefined) {
      this.#objects.enter(depth, 0);
      return null;
    }
    if (isAlias(node)) return this.#alias(node, depth);
    if (isScalar(node)) return this.#anchored(node, depth, () => this.#scalar(node));
    if (isSeq(node)) return this.#anchored(node, depth, () => this.#sequence(node, depth));
    if (isMap(node)) return this.#anchored(node, depth, (index) => this.#mapping(node, depth, index));
    throw malformed('a node of an unknown kind');
  }

  #alias(node: Alias, depth: number): RubyValue {
    this.#objects.enter(depth, start(node));
    checkAnchor(node.source);
    const anchor = this.#anchors.get(node.source);
    if (anchor === undefined) throw malformed('an alias without an anchor');
    return this.#objects.link(anchor.index, depth, start(node));
  }

  /** The value of a node, remembered where it has an anchor. Inside of itself an alias to it is a cycle. */
  #anchored(
    node: Node & { anchor?: string; tag?: string },
    depth: number,
    read: (index: number) => RubyValue,
  ): RubyValue {
    this.#objects.enter(depth, start(node));
    const { anchor: name, tag } = node;
    if (tag !== undefined && UNUSUAL_IN_TAG.test(tag)) throw malformed('a tag with an unusual character');
    if (name === undefined) return read(-1);
    checkAnchor(name);
    const isLate = isMap(node) && hasLateAnchor(mappingTag(tag));
    const isKnown = this.#anchors.has(name);
    const index = this.#objects.open(depth, start(node));
    this.#anchors.set(name, { index, node });
    const value = read(index);
    if (isLate && (isKnown || this.#anchors.get(name)?.index !== index))
      throw malformed('an anchor that is set again by an object');
    this.#objects.close(index, value, depth, end(node));
    return value;
  }

  #scalar(node: Scalar): RubyValue {
    const text = this.#source.text(node, this.#column);
    if (this.#source.isEmptyKey(node, text)) return emptyKey(text === '[]', node.tag);
    const isPlain = node.type === 'PLAIN' || node.type === undefined;
    // To libyaml each colon that begins a word in brackets parts a key from its value.
    if (this.#isInFlow && isPlain && text.startsWith(':'))
      throw malformed('a word in brackets that begins with a colon');
    if (node.tag !== undefined) return taggedScalar(node.tag, text);
    return isPlain ? psychScalar(text) : text;
  }

  /** Reads what is in a collection; blocks of text in it are indented from its column. */
  #within<T>(node: YAMLMap | YAMLSeq, read: () => T): T {
    const [column, isInFlow] = [this.#column, this.#isInFlow];
    this.#isInFlow = node.flow === true;
    if (!this.#isInFlow) this.#column = this.#source.columnOf(node);
    const value = read();
    this.#column = column;
    this.#isInFlow = isInFlow;
    return value;
  }

  #sequence(node: YAMLSeq, depth: number): RubyValue {
    return this.#within(node, () => {
      if (isOrdered(node.tag))
        return ordered(
          node.items.map((item, index) => this.#inside(index, () => this.#pair(item, depth + 1))),
        );
      return node.items.map((item, index) => this.#inside(index, () => this.value(item, depth + 1)));
    });
  }

  /** The first and last of what a collection in a list of pairs holds. It is not a value itself, so that its anchor means nothing. */
  #pair(node: unknown, depth: number): readonly [RubyValue, RubyValue] {
    this.#objects.enter(depth, 0);
    const [first, last] = isMap(node) || isSeq(node) ? [node.items[0], node.items.at(-1)] : [];
    if (!(isMap(node) || isSeq(node)) || first === undefined)
      throw malformed('a list of pairs with something else');
    const key = isPair(first) ? first.key : first;
    const value = isPair(last) ? last.value : last;
    return this.#within(node, () => [this.value(key, depth + 1), this.value(value, depth + 1)]);
  }

  #mapping(node: YAMLMap, depth: number, index: number): RubyValue {
    const known = mappingTag(node.tag);
    const { kind, className } = known;
    if (kind === 'object' || kind === 'struct' || kind === 'exception') this.#objects.name(index, className);
    return this.#within(node, () => {
      this.#checkEmptyKeys(node);
      if (kind === 'marshalable') return this.#flat(node, depth);
      if (kind === 'hash-with-ivars') return this.#withVariables(node, depth);
      const hash = new HashBuilder();
      this.#pairs(node, depth, hash, merges(known));
      return revived(known, hash.build());
    });
  }

  /** What is at a place in a value; an error says where. */
  #inside<T>(place: string | number, read: () => T): T {
    try {
      return read();
    } catch (error) {
      throw error instanceof RubyError ? error.at(place) : error;
    }
  }

  #pairs(node: YAMLMap, depth: number, hash: HashBuilder, canMerge: boolean): void {
    for (const pair of node.items) {
      if (!isPair(pair)) throw malformed('a mapping that holds more than pairs');
      const key = this.value(pair.key, depth + 1);
      const owner = typeof key === 'string' ? this.#owner(pair.key, key) : '';
      const value = this.#inside(scalarText(key) ?? '?', () => this.value(pair.value, depth + 1));
      const tag = isScalar(pair.key) || isMap(pair.key) ? pair.key.tag : undefined;
      const isMerge = canMerge && scalarText(key) === '<<' && !(key instanceof RubySymbol) && !isTextTag(tag);
      if (isMerge && this.#merge(hash, pair.value, value)) continue;
      hash.set(key, value, owner);
    }
  }

  /** @throws RubyError `malformed` where an empty key, or its tag, is of another mapping to libyaml than to the `yaml` package */
  #checkEmptyKeys({ tag, anchor, items }: YAMLMap): void {
    if (this.#isInFlow) return;
    for (const { key } of items) {
      if (key !== null && !(isScalar(key) && key.type === 'PLAIN' && key.source === '')) continue;
      const isKeyOf =
        isScalar(key) && (key.tag ?? key.anchor) !== undefined
          ? this.#source.isKeyOf(key, this.#column)
          : (tag ?? anchor) === undefined || items[0]?.key !== key;
      if (!isKeyOf) throw malformed('an empty key in an unclear place');
    }
  }

  /** Of a key that is read as text, and that is an object of another class to Ruby, which equals no text. */
  #owner(node: unknown, text: string): string {
    if (isAlias(node)) return this.#owner(this.#anchors.get(node.source)?.node, text);
    // An exception or the like equals nothing but itself.
    if (isMap(node)) return mappingTag(node.tag).kind === 'string' ? '' : `object ${start(node)} `;
    if (!isScalar(node)) return '';
    const { tag, type } = node;
    const isObject = tag === undefined ? type === 'PLAIN' && isDay(text) : isObjectAsText(tag, text);
    return isObject ? 'object ' : '';
  }

  /** `revive_hash` of Psych's to_ruby.rb: the key `<<` merges, quoted or not, unless what it has is not a hash. */
  #merge(hash: HashBuilder, node: unknown, value: RubyValue): boolean {
    if (isAlias(node) || isMap(node)) return hash.merge(value);
    if (!isSeq(node)) return false;
    // A list of pairs that is a hash is read pair by pair, and no pair is a hash.
    if (value instanceof RubyHash) return value.entries.length === 0;
    return Array.isArray(value) && hash.mergeAll(value);
  }

  /** Keys and values in one list, of which a class of its own makes something. */
  #flat(node: YAMLMap, depth: number): readonly RubyValue[] {
    return node.items.flatMap((pair) => [this.value(pair.key, depth + 1), this.value(pair.value, depth + 1)]);
  }

  /** A hash whose contents stand beside variables of its own; what is neither is not read at all. */
  #withVariables(node: YAMLMap, depth: number): RubyHash {
    const hash = new HashBuilder();
    for (const { key, value } of node.items) {
      if (!isScalar(key)) throw malformed('a hash with variables that has a key without text');
      const name = this.#source.text(key, this.#column);
      if (name !== 'elements' && name !== 'ivars') continue;
      if (!isMap(value)) throw malformed(`a hash whose ${name} are no mapping`);
      this.#objects.enter(depth + 1, start(value));
      const entries = name === 'elements' ? hash : new HashBuilder();
      this.#within(value, () => {
        this.#checkEmptyKeys(value);
        this.#pairs(value, depth + 1, entries, name === 'elements');
      });
    }
    return hash.build();
  }
}

/**
 * What `YAML.load` of Ruby's Psych 4 would make of a document; objects of other classes than those of the value model as
 * Ruby's own JSON would write them. Aliases give the same JavaScript value each time. An empty document is nil.
 *
 * @throws RubyError `malformed` (also for a second document), `limit` or `cycle`
 */
export const decodeYaml = (bytes: Uint8Array, limits: RubyLimits = DEFAULT_YAML_LIMITS): RubyValue => {
  const document = parseYaml(bytes, limits);
  return new YamlReader(document, limits).value(document.root, 1);
};
