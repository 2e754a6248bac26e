import type { Part } from './syntax.ts';

/** How many steps a pattern may take for each character of a text: what bounds its time. */
const STEPS_PER_CHARACTER = 500;

/** The pattern took more steps than it may. */
export class OutOfSteps extends Error {
  override readonly name = 'OutOfSteps';
}

type Then = (at: number) => boolean;

const WORD = /^[\p{L}\p{M}\p{N}\p{Pc}]$/u;

/**
 * Tries a pattern on one text step by step, as Ruby does: for what RE2 has not, which looks ahead, behind or back. It stops when
 * it took too long.
 */
class Search {
  readonly #text: readonly string[];
  readonly #tests: Map<string, RegExp>;
  readonly #found: (readonly [from: number, to: number] | undefined)[] = [];
  #left: number;

  constructor(text: readonly string[], tests: Map<string, RegExp>) {
    this.#text = text;
    this.#tests = tests;
    this.#left = STEPS_PER_CHARACTER * (text.length + 1);
  }

  find(part: Part): boolean {
    for (let at = 0; at <= this.#text.length; at++) {
      this.#found.length = 0;
      if (this.#try(part, at, false, () => true)) return true;
    }
    return false;
  }

  #try(part: Part, at: number, anyCase: boolean, then: Then): boolean {
    if (--this.#left < 0) throw new OutOfSteps();
    switch (part.kind) {
      case 'one':
        return at < this.#text.length && this.#test(part.js, anyCase, this.#text[at] ?? '') && then(at + 1);
      case 'all':
        return this.#row(part.parts, 0, at, anyCase, then);
      case 'any':
        return part.parts.some((it) => this.#try(it, at, anyCase, then));
      case 'at':
        return this.#isAt(part.where, at) && then(at);
      case 'repeat':
        if (part.how === 'possessive') return this.#atomic({ ...part, how: 'greedy' }, at, anyCase, then);
        return this.#repeat(part, 0, at, anyCase, then);
      case 'group':
        return this.#group(part, at, anyCase, then);
      case 'atomic':
        return this.#atomic(part.of, at, anyCase, then);
      case 'look':
        return this.#look(part, at, anyCase) !== part.not && then(at);
      case 'anycase':
        return this.#try(part.of, at, true, then);
      case 'back':
        return this.#back(part.index, at, then);
    }
  }

  #test(js: string, anyCase: boolean, character: string): boolean {
    const key = `${anyCase ? 'i' : ''} ${js}`;
    const known = this.#tests.get(key) ?? new RegExp(`^${js}$`, anyCase ? 'iu' : 'u');
    this.#tests.set(key, known);
    return known.test(character);
  }

  #row(parts: readonly Part[], index: number, at: number, anyCase: boolean, then: Then): boolean {
    const part = parts[index];
    if (part === undefined) return then(at);
    return this.#try(part, at, anyCase, (next) => this.#row(parts, index + 1, next, anyCase, then));
  }

  #isAt(where: 'start' | 'end' | 'word' | 'inside', at: number): boolean {
    if (where === 'start') return at === 0;
    if (where === 'end') return at === this.#text.length;
    const isEdge = WORD.test(this.#text[at - 1] ?? '') !== WORD.test(this.#text[at] ?? '');
    return isEdge === (where === 'word');
  }

  #repeat(part: Part & { kind: 'repeat' }, count: number, at: number, anyCase: boolean, then: Then): boolean {
    const more = (): boolean =>
      count < part.most &&
      this.#try(part.of, at, anyCase, (next) =>
        next === at && count >= part.least ? false : this.#repeat(part, count + 1, next, anyCase, then),
      );
    if (count < part.least) return more();
    return part.how === 'lazy' ? then(at) || more() : more() || then(at);
  }

  #group(part: Part & { kind: 'group' }, at: number, anyCase: boolean, then: Then): boolean {
    return this.#try(part.of, at, anyCase, (next) => {
      const before = this.#found[part.index];
      this.#found[part.index] = [at, next];
      if (then(next)) return true;
      this.#found[part.index] = before;
      return false;
    });
  }

  #atomic(part: Part, at: number, anyCase: boolean, then: Then): boolean {
    let end = -1;
    const found = this.#try(part, at, anyCase, (next) => {
      end = next;
      return true;
    });
    return found && then(end);
  }

  #look(part: Part & { kind: 'look' }, at: number, anyCase: boolean): boolean {
    if (!part.behind) return this.#try(part.of, at, anyCase, () => true);
    for (let from = at; from >= 0; from--)
      if (this.#try(part.of, from, anyCase, (next) => next === at)) return true;
    return false;
  }

  #back(index: number, at: number, then: Then): boolean {
    const found = this.#found[index];
    if (found === undefined) return false;
    const [from, to] = found;
    for (let offset = 0; offset < to - from; offset++)
      if (this.#text[at + offset] !== this.#text[from + offset]) return false;
    return then(at + to - from);
  }
}

/** @throws OutOfSteps */
export const findBySteps = (part: Part, text: readonly string[], tests: Map<string, RegExp>): boolean =>
  new Search(text, tests).find(part);
