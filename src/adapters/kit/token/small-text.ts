import type { ByteReader, ByteWriter } from '../../../codec/bytes.ts';
import { Rejection } from '../../../envelope/rejection.ts';

/** 40 of them: three together are less than two bytes can say. */
const LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789.-_/';
const BASE = LETTERS.length;

/** By the letter's code in ASCII. */
const DIGITS = Uint8Array.from({ length: 128 }, (_, code) =>
  Math.max(0, LETTERS.indexOf(String.fromCharCode(code))),
);

const digitAt = (text: string, at: number): number => DIGITS[text.charCodeAt(at)] ?? 0;

/** Writes a text of these letters only: three in two bytes, of what is left two in two bytes or one in one. */
export const writeSmall = (writer: ByteWriter, text: string): void => {
  let at = 0;
  for (; at + 3 <= text.length; at += 3)
    writer.uint16((digitAt(text, at) * BASE + digitAt(text, at + 1)) * BASE + digitAt(text, at + 2));
  if (text.length - at === 2) writer.uint16(digitAt(text, at) * BASE + digitAt(text, at + 1));
  if (text.length - at === 1) writer.byte(digitAt(text, at));
};

/** The letters that a number is made of. @throws Rejection `token_malformed` for a number without letters */
const lettersOf = (number: number, count: number): string => {
  let text = '';
  let rest = number;
  for (let left = count; left > 0; left--) {
    text = LETTERS.charAt(rest % BASE) + text;
    rest = Math.floor(rest / BASE);
  }
  if (rest > 0) throw new Rejection('token_malformed', 'the reply token has a text without letters');
  return text;
};

/** @throws Rejection `token_malformed` */
export const readSmall = (reader: ByteReader, count: number): string => {
  let text = '';
  let left = count;
  for (; left >= 3; left -= 3) text += lettersOf(reader.uint16(), 3);
  if (left > 0) text += lettersOf(left === 2 ? reader.uint16() : reader.byte(), left);
  return text;
};
