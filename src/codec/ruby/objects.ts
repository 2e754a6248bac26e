import { RubyError, type RubyLimits, type RubyValue } from './value.ts';

/**
 * The objects of a document in the order in which Ruby counts them, for links; and how much a document holds with
 * its links followed.
 *
 * A link costs one byte but stands for a whole subtree, so what it reaches is counted each time: elements, bytes
 * and depth. The sizes of an object are stored when it is complete, which makes the count linear in the document.
 */
export class ObjectTable {
  readonly #limits: RubyLimits;
  readonly #maxDepth: number;
  /** Whether a link can occur at all; without one there is nothing to remember. */
  readonly #linked: boolean;
  readonly #values: RubyValue[] = [];
  /** Three numbers an object: elements, bytes, levels. While it is open: -1, and where elements and bytes stood. */
  readonly #sizes: number[] = [];
  readonly #opened: number[] = [];
  /** Of objects whose class is known, and that may reach themselves. */
  #names: Map<number, string> | undefined;
  #elements = 0;
  /** Bytes that links stand for. */
  #linkedBytes = 0;
  /** The deepest level in the object that is open. */
  #deepest = 0;

  constructor(limits: RubyLimits, maxDepth: number, linked: boolean) {
    this.#limits = limits;
    this.#maxDepth = maxDepth;
    this.#linked = linked;
  }

  /** Counts a value at a level. */
  enter(depth: number, pos: number): void {
    if (++this.#elements > this.#limits.maxElements) throw this.#tooMany(pos);
    if (depth > this.#deepest) {
      this.#deepest = depth;
      if (depth > this.#maxDepth) throw this.#tooDeep(pos);
    }
  }

  /** Takes the next index for an object whose contents follow. */
  open(depth: number, pos: number): number {
    if (!this.#linked) return -1;
    const index = this.#values.length;
    this.#values.push(null);
    this.#sizes.push(-1, 0, 0);
    this.#opened.push(this.#elements, pos + this.#linkedBytes, this.#deepest);
    this.#deepest = depth;
    return index;
  }

  /** Says the class of an object that is open. */
  name(index: number, className: string): void {
    if (index < 0) return;
    this.#names ??= new Map();
    this.#names.set(index, className);
  }

  /** Completes the object that was opened last. */
  close(index: number, value: RubyValue, depth: number, pos: number): void {
    if (index < 0) return;
    const deepest = this.#opened.pop() ?? 0;
    const bytes = this.#opened.pop() ?? 0;
    const elements = this.#opened.pop() ?? 0;
    this.#values[index] = value;
    this.#sizes[index * 3] = this.#elements - elements;
    this.#sizes[index * 3 + 1] = pos + this.#linkedBytes - bytes;
    this.#sizes[index * 3 + 2] = this.#deepest - depth;
    if (deepest > this.#deepest) this.#deepest = deepest;
  }

  /** An object without contents, `bytes` long. */
  leaf<T extends RubyValue>(value: T, bytes: number): T {
    if (this.#linked) {
      this.#values.push(value);
      this.#sizes.push(0, bytes, 0);
    }
    return value;
  }

  link(index: number, depth: number, pos: number): RubyValue {
    const value = this.#values[index];
    const elements = this.#sizes[index * 3];
    if (value === undefined || elements === undefined)
      throw new RubyError('malformed', `a link to no object at offset ${pos}`, { offset: pos });
    if (elements < 0) {
      // An object that knows its owner; `to_s` is all that JSON would write of it anyway.
      const className = this.#names?.get(index);
      if (className !== undefined) return `#<${className}>`;
      throw new RubyError('cycle', `a value contains itself, at offset ${pos}`, { offset: pos });
    }
    this.#elements += elements;
    this.#linkedBytes += this.#sizes[index * 3 + 1] ?? 0;
    if (this.#elements > this.#limits.maxElements) throw this.#tooMany(pos);
    if (this.#linkedBytes > this.#limits.maxBytes)
      throw new RubyError('limit', `links repeat more than ${this.#limits.maxBytes} bytes`, { offset: pos });
    const deepest = depth + (this.#sizes[index * 3 + 2] ?? 0);
    if (deepest > this.#maxDepth) throw this.#tooDeep(pos);
    if (deepest > this.#deepest) this.#deepest = deepest;
    return value;
  }

  #tooMany(pos: number): RubyError {
    return new RubyError('limit', `more than ${this.#limits.maxElements} values`, { offset: pos });
  }

  #tooDeep(pos: number): RubyError {
    return new RubyError('limit', `nested deeper than ${this.#maxDepth} levels`, { offset: pos });
  }
}
