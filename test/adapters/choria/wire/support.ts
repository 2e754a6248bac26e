import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { isObject, type JsonObject } from '../../../../src/adapters/choria/wire/fields.ts';
import { Rejection, type RejectionCode } from '../../../../src/envelope/rejection.ts';

/** Runs what must be refused; the rejection, for a closer look. */
export const refused = (run: () => unknown, code: RejectionCode, sentence = /./): Rejection => {
  try {
    run();
  } catch (error) {
    if (!(error instanceof Rejection)) throw error;
    expect(error.code).toBe(code);
    expect(error.message).toMatch(sentence);
    return error;
  }
  throw new Error(`nothing was refused, where ${code} was expected`);
};

export const object = (text: string): JsonObject => {
  const value: unknown = JSON.parse(text);
  if (!isObject(value)) throw new Error('not an object');
  return value;
};

export interface Captured {
  readonly at: number;
  readonly subject: string;
  readonly payload: string;
}

const folder = new URL('../../../../fixtures/captures/', import.meta.url);

export const capture = (name: string): readonly Captured[] =>
  readFileSync(new URL(name, folder), 'utf8')
    .trim()
    .split('\n')
    .map((line) => {
      const { at, subject, payload } = object(line);
      if (typeof at !== 'number' || typeof subject !== 'string' || typeof payload !== 'string')
        throw new Error(`not a capture: ${line.slice(0, 80)}`);
      return { at, subject, payload };
    });

export const captureKey = (name: string): string =>
  readFileSync(new URL(`keys/choria/${name}`, folder), 'utf8');
