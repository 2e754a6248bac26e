/**
 * What one look at a thing may come to. More than one of them is true where it depends on the node, or cannot be told here.
 */
export interface Effects {
  readonly yes: boolean;
  readonly no: boolean;
  /** The original ends the request with an error, which is a refusal. */
  readonly error: boolean;
}

export const YES: Effects = { yes: true, no: false, error: false };
export const NO: Effects = { yes: false, no: true, error: false };
export const ERROR: Effects = { yes: false, no: false, error: true };
/** It depends on the node, and cannot fail there. */
export const EITHER: Effects = { yes: true, no: true, error: false };
export const ANY: Effects = { yes: true, no: true, error: true };

/** Both have to hold, and the second is looked at where the first does only. */
export const andThen = (first: Effects, second: () => Effects): Effects => {
  if (!first.yes) return first;
  const { yes, no, error } = second();
  return { yes, no: first.no || no, error: first.error || error };
};

export const everyInTurn = <T>(items: readonly T[], look: (item: T) => Effects): Effects =>
  items.reduce<Effects>((before, item) => andThen(before, () => look(item)), YES);

/** One that holds is enough, and the next is looked at where none before does only. */
export const someInTurn = <T>(items: readonly T[], look: (item: T) => Effects): Effects =>
  items.reduce<Effects>((before, item) => {
    if (!before.no) return before;
    const { yes, no, error } = look(item);
    return { yes: before.yes || yes, no, error: before.error || error };
  }, NO);

export const isCertain = ({ yes, no, error }: Effects): boolean =>
  Number(yes) + Number(no) + Number(error) === 1;
