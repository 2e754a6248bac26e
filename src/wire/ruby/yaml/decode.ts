import {
  type Alias,
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  type Node,
  type Scalar,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import { plainObject } from '../classes/plain.ts';
import { scalarText } from '../classes/text.ts';
import { DEEPEST } from '../marshal/format.ts';
import { ObjectTable } from '../objects.ts';
import { RubyError, RubyHash, type RubyLimits, RubyStruct, RubySymbol, type RubyValue } from '../value.ts';
import { DEFAULT_YAML_LIMITS } from './limits.ts';
import { blockText, EMPTY_KEY_WORD, flowText, isBreak } from './lines.ts';
import { HashBuilder } from './mapping.ts';
import { parseYaml, type YamlDocument } from './parse.ts';
import { psychScalar } from './scalar.ts';
import { classTag, isOrdered, isPlainMapping, taggedScalar } from './tags.ts';

const malformed = (message: string): RubyError => new RubyError('malformed', message);

/** libyaml ends an anchor where it finds anything else; the `yaml` package only at white space. */
const ANCHOR = /^[A-Za-z0-9_-]+$/;

const checkAnchor = (name: string): void => {
  if (!ANCHOR.test(name)) throw malformed('an anchor with characters that libyaml does not allow');
};

/** Characters of a key's anchor and tag, of which Psych writes some twenty. */
const MAX_PROPERTIES = 300;

const start = (node: Node): number => node.range?.[0] ?? 0;
const end = (node: Node): number => node.range?.[1] ?? 0;

const isBlock = (node: Scalar): boolean => node.type === 'BLOCK_LITERAL' || node.type === 'BLOCK_FOLDED';

/** How many characters of a line's end are an anchor and tags, with the blanks behind each. */
const propertiesAtEnd = (before: string): number => {
  let length = 0;
  for (const [word] of before.matchAll(/\S+[ \t]*|[ \t]+/g))
    length = /^[&!]\S*[ \t]/.test(word) ? length + word.length : 0;
  return length;
};

/** The column in which a block collection begins; what belongs to its first key counts, too. */
const columnOf = (source: string, node: YAMLMap | YAMLSeq): number => {
  const [first] = node.items;
  const key = isPair(first) && isNode(first.key) ? start(first.key) : start(node);
  // A mapping that is itself a key begins at its colon to the `yaml` package.
  const at = Math.min(start(node), key);
  let line = at;
  while (line > 0 && !isBreak(source.charAt(line - 1))) line--;
  const before = source.slice(Math.max(line, at - MAX_PROPERTIES), at);
  return at - line - (isMap(node) ? propertiesAtEnd(before) : 0);
};

/** Psych's `ToRuby` visitor: nodes to values. */
class YamlReader {
  readonly #objects: ObjectTable;
  readonly #anchors = new Map<string, number>();

  readonly #source: string;
  readonly #adapted: string;
  readonly #isAdapted: boolean;
  /** Of the block collection that is being read; -1 for none. */
  #column = -1;

  constructor({ source, adapted }: YamlDocument, limits: RubyLimits) {
    this.#source = source;
    this.#adapted = adapted;
    this.#isAdapted = adapted !== source;
    this.#objects = new ObjectTable(limits, Math.min(limits.maxDepth, DEEPEST), true);
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
    const index = this.#anchors.get(node.source);
    if (index === undefined) throw malformed('an alias without an anchor');
    return this.#objects.link(index, depth, start(node));
  }

  /** The value of a node, remembered where it has an anchor. Inside of itself an alias to it is a cycle. */
  #anchored(node: Node & { anchor?: string }, depth: number, read: (index: number) => RubyValue): RubyValue {
    this.#objects.enter(depth, start(node));
    if (node.anchor === undefined) return read(-1);
    checkAnchor(node.anchor);
    const index = this.#objects.open(depth, start(node));
    this.#anchors.set(node.anchor, index);
    const value = read(index);
    this.#objects.close(index, value, depth, end(node));
    return value;
  }

  #scalar(node: Scalar): RubyValue {
    const text = isBlock(node) ? this.#block(node) : this.#text(node);
    if (this.#isEmptyKey(node, text)) return text === '[]' ? [] : new RubyHash([]);
    const isPlain = node.type === 'PLAIN' || node.type === undefined;
    if (node.tag !== undefined) return taggedScalar(node.tag, text);
    return isPlain ? psychScalar(text) : text;
  }

  #isEmptyKey(node: Scalar, text: string): boolean {
    if (!this.#isAdapted || (text !== '[]' && text !== '{}')) return false;
    return this.#adapted.startsWith(EMPTY_KEY_WORD, start(node));
  }

  #block(node: Scalar): string {
    const { text, end: after } = blockText(this.#source, start(node), this.#column);
    // Where libyaml sees another end, what comes after it would be something else, too.
    const [near, far] = after < end(node) ? [after, end(node)] : [end(node), after];
    if (/\S/.test(this.#source.slice(near, far))) throw malformed('a block of text without a clear end');
    return text;
  }

  #text(node: Scalar): string {
    if (!this.#isAdapted) return node.source ?? '';
    const raw = this.#source.slice(start(node), end(node));
    return raw === this.#adapted.slice(start(node), end(node)) ? (node.source ?? '') : flowText(raw);
  }

  /** Reads what is in a collection; blocks of text in it are indented from its column. */
  #within<T>(node: YAMLMap | YAMLSeq, read: () => T): T {
    if (node.flow === true) return read();
    const outer = this.#column;
    this.#column = columnOf(this.#source, node);
    const value = read();
    this.#column = outer;
    return value;
  }

  #sequence(node: YAMLSeq, depth: number): RubyValue {
    const items = this.#within(node, () =>
      node.items.map((item, index) => this.#inside(index, () => this.value(item, depth + 1))),
    );
    return isOrdered(node.tag) ? ordered(items) : items;
  }

  #mapping(node: YAMLMap, depth: number, index: number): RubyValue {
    const { tag } = node;
    const known = tag === undefined || isPlainMapping(tag) ? undefined : classTag(tag);
    if (known === undefined) return this.#hash(node, depth);
    const { kind, className } = known;
    if (kind === 'object' || kind === 'struct' || kind === 'exception') this.#objects.name(index, className);
    const hash = this.#hash(node, depth);
    // Where a subclass has instance variables, its contents stand beside them.
    switch (kind) {
      case 'struct':
        return new RubyStruct(className, members(hash));
      case 'exception':
        return part(hash, 'message') ?? className;
      case 'object':
        return className === 'Hash' ? hash : plainObject(className || 'Object', members(hash));
      case 'range':
        return plainObject('Range', members(hash));
      case 'string':
      case 'str':
        return part(hash, 'str') ?? hash;
      case 'array':
        return part(hash, 'internal') ?? hash;
      case 'hash-with-ivars':
        return part(hash, 'elements') ?? hash;
    }
    return hash;
  }

  /** What is at a place in a value; an error says where. */
  #inside(place: string | number, read: () => RubyValue): RubyValue {
    try {
      return read();
    } catch (error) {
      throw error instanceof RubyError ? error.at(place) : error;
    }
  }

  #hash(node: YAMLMap, depth: number): RubyHash {
    return this.#within(node, () => this.#pairs(node, depth));
  }

  #pairs(node: YAMLMap, depth: number): RubyHash {
    const hash = new HashBuilder();
    for (const pair of node.items) {
      if (!isPair(pair)) throw malformed('a mapping that holds more than pairs');
      const key = this.value(pair.key, depth + 1);
      const value = this.#inside(scalarText(key) ?? '?', () => this.value(pair.value, depth + 1));
      const tag = isScalar(pair.key) ? pair.key.tag : undefined;
      if (key === '<<' && tag !== 'tag:yaml.org,2002:str' && this.#merge(hash, pair.value, value)) continue;
      hash.set(key, value);
    }
    return hash.build();
  }

  /** `revive_hash` of Psych's to_ruby.rb: the key `<<` merges, quoted or not, unless what it has is no hash. */
  #merge(hash: HashBuilder, node: unknown, value: RubyValue): boolean {
    if (isAlias(node) || isMap(node)) return hash.merge(value);
    return isSeq(node) && Array.isArray(value) && hash.mergeAll(value);
  }
}

/** The entry of this name, whose key is a text or a symbol; undefined where it is nil. */
const part = (hash: RubyHash, name: string): RubyValue | undefined =>
  hash.string(name) ?? hash.symbol(name) ?? undefined;

/** The entries of an object, whose keys are names. @throws RubyError `malformed` */
const members = (hash: RubyHash): readonly (readonly [string, RubyValue])[] =>
  hash.entries.map(([key, value]) => {
    const name = key instanceof RubySymbol ? key.name : key;
    if (typeof name !== 'string') throw malformed('an object with a variable that has no name');
    return [name, value];
  });

/** A list of hashes that Psych makes one hash of. */
const ordered = (items: readonly RubyValue[]): RubyValue => {
  const hash = new HashBuilder();
  return items.every((item) => hash.merge(item)) ? hash.build() : items;
};

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
