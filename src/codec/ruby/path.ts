import { printableAscii } from './text.ts';
import type { Path } from './value.ts';

/** Longer ones are cut: they come from strangers, and go into logs and answers. */
const MAX_PATH_CHARS = 160;

/** `data.packages[3].version`, for an error's text; other keys than names stand in quotes. */
export const pathText = (path: Path): string => {
  let text = '';
  for (const place of path) {
    if (typeof place === 'number') text += `[${place}]`;
    else if (/^[A-Za-z_]\w{0,63}$/.test(place)) text += text === '' ? place : `.${place}`;
    else text += `["${printableAscii(place)}"]`;
    if (text.length > MAX_PATH_CHARS) return `${text.slice(0, MAX_PATH_CHARS)}…`;
  }
  return text;
};
