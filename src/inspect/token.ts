import { createPublicKey, type KeyObject } from 'node:crypto';
import type { ValueMap } from '../envelope/value.ts';
import { fieldsOf, SECOND_MS, textIn } from './fields.ts';
import { readJson } from './json-text.ts';
import { problemAt } from './problem.ts';
import { type Field, type Layer, layerOf, type Problem } from './tree.ts';

/** Three parts of base64url, the first of which begins as JSON objects do. */
const TOKEN = /^eyJ[\w-]*(?:\.[\w-]*){0,2}$/;
const MAX_TOKEN_CHARS = 64 * 1024;

export const looksLikeToken = (text: string): boolean =>
  text.length <= MAX_TOKEN_CHARS && text.includes('.') && TOKEN.test(text);

const TIMES = { iat: SECOND_MS, exp: SECOND_MS, nbf: SECOND_MS };

/** The claims of a token; undefined where it has none that can be read. */
export const claimsOf = (token: string): ValueMap | undefined => {
  const read = readJson(Buffer.from(token.split('.')[1] ?? '', 'base64url'));
  return 'map' in read && read.problems.length === 0 ? read.map : undefined;
};

const HEX_KEY = /^[0-9a-f]{64}$/i;

/** The Ed25519 key that a token says its holder signs with; undefined where it says none. */
export const holderKey = (claims: ValueMap | undefined): KeyObject | undefined => {
  const hex = claims === undefined ? undefined : textIn(claims, 'public_key');
  if (hex === undefined || !HEX_KEY.test(hex)) return undefined;
  return createPublicKey({
    key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(hex, 'hex').toString('base64url') },
    format: 'jwk',
  });
};

/** One part as JSON, and what is wrong with it, at its place in the token. */
const part = (
  bytes: Buffer,
  parts: readonly string[],
  index: number,
  what: string,
): { readonly map: ValueMap; readonly problems: readonly Problem[] } => {
  const text = parts[index];
  if (text === undefined)
    return {
      map: new Map(),
      problems: [problemAt(bytes, bytes.length, `the token ends before its ${what}`)],
    };
  const decoded = Buffer.from(text, 'base64url');
  const read = readJson(decoded);
  const map = 'map' in read ? read.map : new Map();
  const problem = 'map' in read ? read.problems[0] : read.problem;
  if (problem === undefined) return { map, problems: [] };
  const before = parts.slice(0, index).reduce((sum, { length }) => sum + length + 1, 0);
  const { offset: within = 0 } = problem;
  const offset = before + (within >= decoded.length ? text.length : Math.floor((within * 4) / 3));
  return { map, problems: [problemAt(bytes, offset, `the ${what} of the token: ${problem.message}`)] };
};

/** A JSON Web Token. mcbridge does not know its issuer, so it is shown and not verified. */
export const tokenLayer = (bytes: Buffer, role?: string): Layer => {
  const parts = bytes.toString('latin1').trim().split('.');
  const header = part(bytes, parts, 0, 'header');
  const claims = part(bytes, parts, 1, 'claims');
  const unsigned = parts[2] === undefined || parts[2] === '';
  const of: readonly Field[] = role === undefined ? [] : [{ name: 'of', value: role }];
  return layerOf('token', {
    bytes: bytes.length,
    fields: [...of, { name: 'header', value: header.map }, ...fieldsOf(claims.map, { times: TIMES })],
    verdicts: [
      {
        of: 'token',
        state: 'unverified',
        reason: unsigned ? 'it bears no signature' : 'mcbridge does not know its issuer',
      },
    ],
    problems: [...header.problems, ...claims.problems],
  });
};
