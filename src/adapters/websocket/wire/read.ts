import type { z } from 'zod';
import { type JsonLimits, parseJson } from '../../../codec/json.ts';
import { asRejection } from '../../../envelope/rejection.ts';
import { quoted } from '../../../envelope/text.ts';
import { isMap, type Value } from '../../../envelope/value.ts';
import { badMessage, CallError, ERROR_CODES } from './errors.ts';
import { isMethod, type Method, PARAMS, type ParamsOf, REQUEST, type RequestId } from './messages.ts';

/** Of a whole message; an action's data seldom has more than a handful of levels. */
const LIMITS: JsonLimits = { maxDepth: 32, maxElements: 50_000 };
const MAX_SHOWN_CHARS = 32;

/** A message of a client that is what it should be. */
export type Asked = { readonly [M in Method]: { readonly method: M; readonly params: ParamsOf<M> } }[Method];

/** @property id undefined where nobody waits for an answer */
export type Message = { readonly id: RequestId | undefined } & (
  | { readonly asked: Asked }
  | { readonly error: CallError }
);

/** As zod wants it; what stands below `data` stays as it was read. Keys are own ones, whatever they are. */
const plain = (value: Value, isData = false): unknown => {
  if (isMap(value)) {
    if (isData) return value;
    return Object.fromEntries([...value].map(([key, one]) => [key, plain(one, key === 'data')]));
  }
  return Array.isArray(value) ? value.map((one: Value) => plain(one)) : value;
};

/** The first thing that is wrong, and where. */
const sentenceOf = ({ issues: [issue] }: z.ZodError): string => {
  if (issue === undefined) return 'it is not what it should be';
  const at = issue.path.map(String).join('.');
  return at === '' ? issue.message : `${at}: ${issue.message}`;
};

const askedOf = (method: string, params: unknown): Asked => {
  if (!isMethod(method))
    throw badMessage(
      'unknownMethod',
      'invalid_field',
      `there is no method ${quoted(method.slice(0, MAX_SHOWN_CHARS))}`,
    );
  const read = PARAMS[method].safeParse(params ?? {});
  if (!read.success)
    throw badMessage(
      'invalidParams',
      'invalid_field',
      `the params of ${method} are refused: ${sentenceOf(read.error)}`,
    );
  // The schema is that of the method.
  return { method, params: read.data } as Asked;
};

/** A message as its bytes say; never throws. */
export const readMessage = (text: string): Message => {
  let value: unknown;
  try {
    value = plain(parseJson(text, LIMITS));
  } catch (error) {
    const rejection = asRejection(error);
    return { id: undefined, error: new CallError(ERROR_CODES.parse, rejection, false) };
  }
  const read = REQUEST.safeParse(value);
  if (!read.success) {
    const sentence = `it is no request of JSON-RPC 2.0, one by one: ${sentenceOf(read.error)}`;
    return { id: undefined, error: badMessage('invalidRequest', 'unsupported_body', sentence) };
  }
  const { id, method, params } = read.data;
  try {
    return { id, asked: askedOf(method, params) };
  } catch (error) {
    if (error instanceof CallError) return { id, error };
    throw error;
  }
};
