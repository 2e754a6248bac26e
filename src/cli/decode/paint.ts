import type { ChalkInstance } from 'chalk';
import type { Line, Tone } from '../../inspect/text.ts';
import { escapeControls } from '../terminal.ts';

const styles = (colour: ChalkInstance): Readonly<Record<Tone, (text: string) => string>> => ({
  plain: (text) => text,
  title: colour.bold,
  faint: colour.dim,
  good: colour.green,
  bad: colour.red,
  doubtful: colour.yellow,
});

/** Lines as text. Whatever a message held, nothing of it reaches the terminal that could steer it. */
export const painted = (lines: readonly Line[], colour: ChalkInstance): string => {
  const style = styles(colour);
  return lines
    .map((line) => `${line.map(({ text, tone }) => style[tone](escapeControls(text))).join('')}\n`)
    .join('');
};

const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

const escaped = (character: string): string =>
  [...Array(character.length).keys()]
    .map((i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`)
    .join('');

/** A line of JSON in which such characters are written as escapes, which JSON knows; they are in its strings only. */
export const inertJson = (line: string): string => line.replace(INVISIBLE, escaped);
