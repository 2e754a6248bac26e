import { quoted } from '../../envelope/text.ts';
/** Keys of hashes and indexes of lists, from the body of a request or reply inwards: `data`, `password`. */
export type Path = readonly string[];

/** Which values of a body are replaced. */
export interface Selection {
  /** `*` stands for one level or more. What a path leads to is replaced with all that is in it. */
  readonly paths: readonly Path[];
  /** Every text in the data, whatever leads to it. */
  readonly allTexts: boolean;
}

const ANY = '*';
const MAX_PATH_KEYS = 16;
/** Where an agent's own values are; all else is the protocol's. */
const ROOTS: ReadonlySet<string> = new Set(['data', 'statusmsg', ANY]);

/** @throws RangeError with a sentence, for what can lead nowhere */
export const parsePath = (text: string): Path => {
  const path = text.split('.');
  const [root = ''] = path;
  if (path.includes('')) throw new RangeError(`${quoted(text)} has an empty key`);
  if (path.length > MAX_PATH_KEYS)
    throw new RangeError(`${quoted(text)} has more than ${MAX_PATH_KEYS} keys`);
  const odd = path.find((key) => key !== ANY && /[*[\]()^$\\]|^\/.*\/$/.test(key));
  if (odd !== undefined)
    throw new RangeError(
      `${quoted(text)}: ${quoted(odd)} is taken for a key of that name; * stands for whole keys only, and an index is a key: data.users.0`,
    );
  if (!ROOTS.has(root))
    throw new RangeError(`${quoted(text)} begins neither with data, nor with statusmsg, nor with *`);
  return path;
};

/** Whether a path leads to this place, or to something around it. */
export const covers = (path: Path, place: Path): boolean => {
  const [key, ...rest] = path;
  if (key === undefined) return true;
  const [at, ...within] = place;
  if (at === undefined) return false;
  if (key === ANY) return covers(rest, within) || covers(path, within);
  return key === at && covers(rest, within);
};

export const isSelected = ({ paths }: Selection, place: Path): boolean =>
  paths.some((path) => covers(path, place));
