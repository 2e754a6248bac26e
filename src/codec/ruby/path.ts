import { printable } from './text.ts';
import type { Path } from './value.ts';

/** Longer ones are cut: they come from strangers, and go into logs and answers. */
const MAX_LENGTH = 160;

/** `data.packages[3].version`, for an error's text; other keys than names stand in quotes. */
export const pathText = (path: Path): string => {
  let text = '';
  for (const place of path) {
    if (typeof place === 'number') text += `[${place}]`;
    else if (/^[A-Za-z_]\w{0,63}$/.test(place)) text += text === '' ? place : `.${place}`;
    else text += `["${printable(place)}"]`;
    if (text.length > MAX_LENGTH) return `${text.slice(0, MAX_LENGTH)}…`;
  }
  return text;
};
