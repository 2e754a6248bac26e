import { isMap, isNode, isPair, type Node, type Scalar, type YAMLMap, type YAMLSeq } from 'yaml';
import { RubyError } from '../value.ts';
import { blockText, EMPTY_KEY_WORD, flowText, isBreak } from './lines.ts';
import type { YamlDocument } from './parse.ts';

/** Characters of a key's anchor and tag, of which Psych writes some twenty. */
const MAX_PROPERTIES_CHARS = 300;

export const start = (node: Node): number => node.range?.[0] ?? 0;
export const end = (node: Node): number => node.range?.[1] ?? 0;

const isBlock = (node: Scalar): boolean => node.type === 'BLOCK_LITERAL' || node.type === 'BLOCK_FOLDED';

/** How many characters of a line's end are an anchor and tags, with the blanks behind each. */
const propertiesAtEnd = (before: string): number => {
  let length = 0;
  for (const [word] of before.matchAll(/\S+[ \t]*|[ \t]+/g))
    length = /^[&!]\S*[ \t]/.test(word) ? length + word.length : 0;
  return length;
};

/** What the scalars of a document say, by the place where they stand. */
export class YamlSource {
  readonly #source: string;
  readonly #adapted: string;
  readonly #isAdapted: boolean;

  constructor({ source, adapted }: YamlDocument) {
    this.#source = source;
    this.#adapted = adapted;
    this.#isAdapted = adapted !== source;
  }

  /** The column in which a block collection begins; what belongs to its first key counts, too. */
  columnOf(node: YAMLMap | YAMLSeq): number {
    const source = this.#source;
    const [first] = node.items;
    const key = isPair(first) && isNode(first.key) ? start(first.key) : start(node);
    // A mapping that is itself a key begins at its colon to the `yaml` package.
    const at = Math.min(start(node), key);
    let line = at;
    while (line > 0 && !isBreak(source.charAt(line - 1))) line--;
    const before = source.slice(Math.max(line, at - MAX_PROPERTIES_CHARS), at);
    return at - line - (isMap(node) ? propertiesAtEnd(before) : 0);
  }

  /** @param column of the block collection that it is in; -1 for none */
  text(node: Scalar, column: number): string {
    return isBlock(node) ? this.#block(node, column) : this.#flow(node);
  }

  /** Whether a text that is `[]` or `{}` stands for an empty key; see `readable`. */
  isEmptyKey(node: Scalar, text: string): boolean {
    if (!this.#isAdapted || (text !== '[]' && text !== '{}')) return false;
    return this.#adapted.startsWith(EMPTY_KEY_WORD, start(node));
  }

  /**
   * Whether an empty key whose tag or anchor begins a line stands where the mapping's keys do. Further in, below a question
   * mark, it is one of another mapping to libyaml, and not to the `yaml` package.
   */
  isKeyOf(node: Scalar, column: number): boolean {
    const at = start(node);
    let line = at;
    while (line > 0 && at - line < MAX_PROPERTIES_CHARS && !isBreak(this.#source.charAt(line - 1))) line--;
    const [, blanks = '', first] = /^([ \t]*)(.?)/s.exec(this.#source.slice(line, at)) ?? [];
    return blanks.length === column || (first !== '&' && first !== '!');
  }

  #block(node: Scalar, column: number): string {
    const { text, end: after } = blockText(this.#source, start(node), column);
    // Where libyaml sees another end, what comes after it would be something else, too.
    const [near, far] = after < end(node) ? [after, end(node)] : [end(node), after];
    if (/\S/.test(this.#source.slice(near, far)))
      throw new RubyError('malformed', 'a block of text without a clear end');
    return text;
  }

  #flow(node: Scalar): string {
    if (!this.#isAdapted) return node.source ?? '';
    const raw = this.#source.slice(start(node), end(node));
    return raw === this.#adapted.slice(start(node), end(node)) ? (node.source ?? '') : flowText(raw);
  }
}
