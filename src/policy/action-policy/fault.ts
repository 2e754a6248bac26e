/** What is wrong in a line: the originals pass over it in silence, or take it for something else than it looks. */
export interface Fault {
  readonly message: string;
  /** How many characters of the line stand before it. */
  readonly at: number;
}

/** A fault of a file. */
export interface LineFault extends Fault {
  readonly line: number;
}

/** A word, and how many characters of its line stand before it. */
export interface Word {
  readonly word: string;
  readonly at: number;
}

/** @param words of the text from there on, in their order */
export const placed = (words: readonly string[], text: string, from: number): readonly Word[] => {
  let next = from;
  return words.map((word) => {
    const at = text.indexOf(word, next);
    next = at + word.length;
    return { word, at };
  });
};

/** Where the fields of a rule begin. */
export interface FieldStarts {
  readonly callers: number;
  readonly actions: number;
  readonly facts: number;
  readonly classes: number;
  /** Of those between facts and classes, which originals lose. */
  readonly lost: number;
}

/** @param text of a rule, whose fields stand apart by tabs */
export const fieldStarts = (text: string): FieldStarts => {
  const starts = [...text.matchAll(/\t+/g)].map(({ index, 0: tabs }) => index + tabs.length);
  const [callers = 0, actions = 0, facts = 0, lost = 0] = starts;
  return { callers, actions, facts, lost, classes: starts.at(-1) ?? 0 };
};
