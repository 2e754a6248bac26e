import { quoted } from '../../envelope/text.ts';
import { LinkError } from '../link.ts';

/** STOMP's three versions. They differ in how header text is escaped, and in heart-beats (from 1.1 on). */
export type StompVersion = '1.0' | '1.1' | '1.2';

export const STOMP_VERSIONS: readonly StompVersion[] = ['1.0', '1.1', '1.2'];

/** Headers have no prototype, so no name is special, and none is there that the frame did not have. */
export interface Frame {
  readonly command: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export const LF = 10;
export const CR = 13;

const ESCAPES = new Map([
  ['\\', '\\\\'],
  ['\n', '\\n'],
  [':', '\\c'],
  ['\r', '\\r'],
]);

const UNESCAPES = new Map([...ESCAPES].map(([plain, escaped]) => [escaped, plain]));

const TO_ESCAPE: Readonly<Record<StompVersion, RegExp | undefined>> = {
  '1.0': undefined,
  '1.1': /[\\\n:]/g,
  '1.2': /[\\\n:\r]/g,
};

const UNWRITABLE = /[\0\n\r]/;
/** Text without any of these is the same in all versions. */
const SPECIAL = /[\0\n\r:\\]/;

/** CONNECT and CONNECTED are never escaped, because 1.0 peers must understand them. */
const isPlain = (command: string, version: StompVersion | undefined): boolean =>
  version === undefined || version === '1.0' || command === 'CONNECT' || command === 'CONNECTED';

/**
 * A header line with its line feed.
 * @throws LinkError `protocol` when this version cannot say it; the text does not show the value, it may be secret
 */
export const headerLine = (
  command: string,
  name: string,
  value: string,
  version: StompVersion | undefined,
): string => {
  if (name !== '' && !SPECIAL.test(value) && !SPECIAL.test(name)) return `${name}:${value}\n`;
  const plain = isPlain(command, version);
  const unsafe = plain ? undefined : TO_ESCAPE[version ?? '1.0'];
  const line =
    unsafe === undefined
      ? `${name}:${value}`
      : `${name.replace(unsafe, escapeOne)}:${value.replace(unsafe, escapeOne)}`;
  // 1.1 has no escape for CR, and only there a lone CR could pass for a part of the text: refused as well.
  if (name === '' || (plain && name.includes(':')) || UNWRITABLE.test(line))
    throw new LinkError('protocol', `the header "${name}" cannot be written in STOMP ${version ?? '1.0'}`);
  return `${line}\n`;
};

const escapeOne = (character: string): string => ESCAPES.get(character) ?? character;

/**
 * Header text as it was before it was escaped.
 * @throws LinkError `protocol` for an escape that the version does not know, as the specification demands
 */
export const unescapeHeader = (text: string, command: string, version: StompVersion | undefined): string => {
  if (isPlain(command, version) || !text.includes('\\')) return text;
  return text.replace(/\\.?/gs, (sequence) => {
    const plain = UNESCAPES.get(sequence);
    if (plain === undefined || (plain === '\r' && version === '1.1'))
      throw new LinkError('protocol', `a ${command} frame has the undefined escape ${quoted(sequence)}`);
    return plain;
  });
};
