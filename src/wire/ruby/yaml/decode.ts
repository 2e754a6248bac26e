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
import { DEEPEST } from '../marshal/format.ts';
import { ObjectTable } from '../objects.ts';
import {
  RubyError,
  RubyHash,
  type RubyLimits,
  RubySet,
  RubyStruct,
  RubySymbol,
  type RubyValue,
} from '../value.ts';
import { DEFAULT_YAML_LIMITS } from './limits.ts';
import { HashBuilder } from './mapping.ts';
import { parseYaml } from './parse.ts';
import { psychScalar } from './scalar.ts';
import { isPlainMapping, isPlainSequence, structClass, tagError, taggedScalar } from './tags.ts';

const malformed = (message: string): RubyError => new RubyError('malformed', message);

/** libyaml ends an anchor where it finds anything else; the `yaml` package only at white space. */
const ANCHOR = /^[A-Za-z0-9_-]+$/;

const checkAnchor = (name: string): void => {
  if (!ANCHOR.test(name)) throw malformed('an anchor with characters that libyaml does not allow');
};

const start = (node: Node): number => node.range?.[0] ?? 0;
const end = (node: Node): number => node.range?.[1] ?? 0;

const isBlock = (node: Scalar): boolean => node.type === 'BLOCK_LITERAL' || node.type === 'BLOCK_FOLDED';

/** Where the `yaml` package and libyaml read a block of text differently; Ruby writes neither. */
const checkBlock = (node: Scalar, source: string, depth: number): void => {
  if (end(node) >= source.length && !source.endsWith('\n'))
    throw malformed('a block of text without a line break at its end');
  if (depth === 1 && /^[^\n]*\n+[^\s]/.test(source.slice(start(node), end(node))))
    throw malformed('a block of text without indentation');
};

/** Psych's `ToRuby` visitor: nodes to values. */
class YamlReader {
  readonly #objects: ObjectTable;
  readonly #anchors = new Map<string, number>();

  readonly #source: string;

  constructor(source: string, limits: RubyLimits) {
    this.#source = source;
    this.#objects = new ObjectTable(limits, Math.min(limits.maxDepth, DEEPEST), true);
  }

  value(node: unknown, depth: number): RubyValue {
    // A pair without a value has none; `a:` has an empty one.
    if (node === null || node === undefined) {
      this.#objects.enter(depth, 0);
      return null;
    }
    if (isAlias(node)) return this.#alias(node, depth);
    if (isScalar(node)) return this.#anchored(node, depth, () => this.#scalar(node, depth));
    if (isSeq(node)) return this.#anchored(node, depth, () => this.#sequence(node, depth));
    if (isMap(node)) return this.#anchored(node, depth, () => this.#mapping(node, depth));
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
  #anchored(node: Node & { anchor?: string }, depth: number, read: () => RubyValue): RubyValue {
    this.#objects.enter(depth, start(node));
    if (node.anchor === undefined) return read();
    checkAnchor(node.anchor);
    const index = this.#objects.open(depth, start(node));
    this.#anchors.set(node.anchor, index);
    const value = read();
    this.#objects.close(index, value, depth, end(node));
    return value;
  }

  #scalar(node: Scalar, depth: number): RubyValue {
    const text = node.source ?? '';
    if (isBlock(node)) checkBlock(node, this.#source, depth);
    if (node.tag !== undefined) return taggedScalar(node.tag, text);
    return node.type === 'PLAIN' || node.type === undefined ? psychScalar(text) : text;
  }

  #sequence(node: YAMLSeq, depth: number): RubyValue {
    if (!isPlainSequence(node.tag)) throw tagError(node.tag ?? '');
    return node.items.map((item) => this.value(item, depth + 1));
  }

  #mapping(node: YAMLMap, depth: number): RubyValue {
    const { tag } = node;
    if (tag === undefined || isPlainMapping(tag) || tag === '!ruby/object:Hash')
      return this.#hash(node, depth);
    const className = structClass(tag);
    if (className !== undefined || tag === '!ruby/struct') return this.#struct(className ?? '', node, depth);
    if (tag === '!ruby/object:Set') return this.#set(node, depth);
    throw tagError(tag);
  }

  #hash(node: YAMLMap, depth: number): RubyHash {
    const hash = new HashBuilder();
    for (const pair of node.items) {
      if (!isPair(pair)) throw malformed('a mapping that holds more than pairs');
      const key = this.value(pair.key, depth + 1);
      const value = this.value(pair.value, depth + 1);
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

  #struct(className: string, node: YAMLMap, depth: number): RubyStruct {
    const members = this.#hash(node, depth).entries.map(([key, value]): readonly [string, RubyValue] => {
      if (typeof key === 'string') return [key, value];
      if (key instanceof RubySymbol) return [key.name, value];
      throw malformed('a Struct with a member that has no name');
    });
    return new RubyStruct(className, members);
  }

  /** A Set is an object with one variable, a hash whose keys are the members. */
  #set(node: YAMLMap, depth: number): RubySet {
    const members = this.#hash(node, depth).string('hash');
    if (!(members instanceof RubyHash)) throw malformed('a Set without members');
    return new RubySet(members.entries.map(([member]) => member));
  }
}

/**
 * What `YAML.load` of Ruby's Psych 4 would make of a document, for plain values and the classes of the value
 * model. Aliases give the same JavaScript value each time. An empty document is nil.
 *
 * @throws RubyError `malformed` (also for a second document), `limit`, `class` or `cycle`
 */
export const decodeYaml = (bytes: Uint8Array, limits: RubyLimits = DEFAULT_YAML_LIMITS): RubyValue => {
  const { source, root } = parseYaml(bytes, limits);
  return new YamlReader(source, limits).value(root, 1);
};
