import type { z } from 'zod';
import { A_LIST, A_MAPPING, type ConfigDocument, NOTHING } from './document.ts';
import type { KeyPath } from './problem.ts';
import { SECRET_SHOWN } from './secret.ts';

/** What the leaves that read secrets begin with; a leaf that is refined or made optional keeps it. */
const leaves = new WeakSet<object>();

export const markSecret = <T extends z.core.$ZodType>(schema: T): T => {
  leaves.add(schema);
  return schema;
};

/** What zod says of a schema, as far as it leads to other schemas. An adapter's zod may be another copy than the program's. */
interface Definition {
  readonly in?: unknown;
  readonly out?: unknown;
  readonly innerType?: unknown;
  readonly element?: unknown;
  readonly valueType?: unknown;
  readonly shape?: Readonly<Record<string, unknown>>;
  readonly options?: readonly unknown[];
}

const definitionOf = (schema: object): Definition => {
  const internals: unknown = Reflect.get(schema, '_zod');
  const definition: unknown =
    typeof internals === 'object' && internals !== null ? Reflect.get(internals, 'def') : undefined;
  return typeof definition === 'object' && definition !== null ? definition : {};
};

/** Whether the value at a path of what a schema reads is a secret, or a part of one. An entry of a list may go without its number. */
export const isSecretIn = (schema: unknown, path: KeyPath): boolean => {
  if (typeof schema !== 'object' || schema === null) return false;
  if (leaves.has(schema)) return true;
  const { in: from, out, innerType, element, valueType, shape, options = [] } = definitionOf(schema);
  const [key, ...rest] = path;
  const same = [from, out, innerType, ...options].some((one) => isSecretIn(one, path));
  if (same || (element !== undefined && isSecretIn(element, typeof key === 'number' ? rest : path)))
    return true;
  if (key === undefined) return false;
  return (
    (shape !== undefined && Object.hasOwn(shape, key) && isSecretIn(shape[key], rest)) ||
    isSecretIn(valueType, rest)
  );
};

/** They tell nothing of what is in them. */
const SHAPES: ReadonlySet<string> = new Set([NOTHING, A_LIST, A_MAPPING]);

/** The document, which shows no secret of those that the schema knows either. */
export const withoutSecrets = (document: ConfigDocument, schema: z.core.$ZodType): ConfigDocument => ({
  ...document,
  show: (path) => {
    const shown = document.show(path);
    return !SHAPES.has(shown) && isSecretIn(schema, path) ? SECRET_SHOWN : shown;
  },
});
