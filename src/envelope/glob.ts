/** Letters, digits, `_`, `-` and dots as in identities, and the two wildcards. */
const GLOB = /^[\w.*?-]{1,255}$/;

/** An identity neither begins nor ends with a dot, nor has it two in a row: `.*` is a regular expression's, not a glob's. */
const NO_IDENTITY = /^\.|\.$|\.\./;

/** Whether a text may stand for identities: `*` is any text, also none, and `?` one character. */
export const isGlob = (text: string): boolean => GLOB.test(text) && !NO_IDENTITY.test(text);

/** Whether a text that is not a glob looks like a regular expression, which is not what is asked for. */
export const isLikeRegex = (text: string): boolean => /[\^$\\()[\]|+{}/]|^\.\*/.test(text);

/** Whether it stands for more than one identity. */
export const hasWildcard = (glob: string): boolean => /[*?]/.test(glob);

/** Whether one is at that place of the text; `?` in it is any character. */
const stands = (part: string, text: string, at: number): boolean => {
  for (let index = 0; index < part.length; index++)
    if (part[index] !== '?' && part[index] !== text[at + index]) return false;
  return true;
};

/** Where a part stands first, from `from` on and before `end`; undefined where it does not. */
const find = (part: string, text: string, from: number, end: number): number | undefined => {
  for (let at = from; at + part.length <= end; at++) if (stands(part, text, at)) return at;
  return undefined;
};

/**
 * What tells whether a text is what the glob stands for, all of it and letter by letter. Not by a regular expression:
 * one with several `.*` takes time that grows with their power. Here each part between two stars goes to its first
 * place, which leaves most to those after it; that takes at most the product of both lengths.
 */
export const compileGlob = (glob: string): ((text: string) => boolean) => {
  const [head = '', ...rest] = glob.split('*');
  const tail = rest.pop();
  if (tail === undefined) return (text) => text.length === head.length && stands(head, text, 0);
  return (text) => {
    const end = text.length - tail.length;
    if (end < head.length || !stands(head, text, 0) || !stands(tail, text, end)) return false;
    let at = head.length;
    for (const part of rest) {
      const place = find(part, text, at, end);
      if (place === undefined) return false;
      at = place + part.length;
    }
    return true;
  };
};

/** Whether any of the globs stands for a text; those that are plain names cost nothing, however many they are. */
export const compileGlobs = (globs: readonly string[]): ((text: string) => boolean) => {
  const names = new Set(globs.filter((glob) => !hasWildcard(glob)));
  const matchers = globs.filter(hasWildcard).map(compileGlob);
  return (text) => names.has(text) || matchers.some((matches) => matches(text));
};
