import { createHash } from 'node:crypto';
import type { Plain } from '../config/document.ts';
import { formatPath, type KeyPath } from '../config/problem.ts';

/** Of each key with a value, by its path, what tells whether the value is another: values may be secrets. */
export type Written = ReadonlyMap<string, string>;

/** The paths of keys that another configuration has, has no more, or has with another value. */
export interface KeyChanges {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly string[];
}

/** An empty list or mapping is a value too: without it, it would not be seen that a key has come. */
const isBranch = (value: Plain): value is readonly Plain[] | { readonly [key: string]: Plain } =>
  typeof value === 'object' && value !== null && Object.keys(value).length > 0;

const fingerprint = (value: Plain): string =>
  createHash('sha256').update(JSON.stringify(value)).digest('base64');

export const writtenIn = (document: Plain): Written => {
  const found = new Map<string, string>();
  const walk = (value: Plain, path: KeyPath): void => {
    if (!isBranch(value)) found.set(formatPath(path), fingerprint(value));
    else if (Array.isArray(value)) for (const [index, one] of value.entries()) walk(one, [...path, index]);
    else for (const [key, one] of Object.entries(value)) walk(one, [...path, key]);
  };
  walk(document, []);
  return found;
};

/** What is different in another configuration, as it is written; defaults are not. */
export const keyChanges = (before: Written, next: Written): KeyChanges => ({
  added: [...next.keys()].filter((path) => !before.has(path)),
  removed: [...before.keys()].filter((path) => !next.has(path)),
  changed: [...next].filter(([path, now]) => (before.get(path) ?? now) !== now).map(([path]) => path),
});
