import { z } from 'zod';
import type { SchemaContext } from '../config/context.ts';
import { isToken } from '../envelope/check.ts';
import { errorText, quoted } from '../envelope/text.ts';
import { type AdapterType, API_VERSION } from './adapter-type.ts';

/** A field of an adapter type, by its path; what it has to be, in words. */
type Field = readonly [path: string, is: (value: unknown) => boolean, what: string];

const isText = (value: unknown): boolean => typeof value === 'string' && value !== '';
const isFunction = (value: unknown): boolean => typeof value === 'function';
const isAbsent = (value: unknown): boolean => value === undefined;

const method = (path: string): Field => [path, isFunction, 'a function'];

const FIELDS: readonly Field[] = [
  ['type', (value) => typeof value === 'string' && isToken(value), 'a name of letters, digits, "_" and "-"'],
  ['transport', isText, 'a text, such as nats'],
  ['anyServer', isText, 'the URL of a server'],
  ['opaque', (value) => isAbsent(value) || isText(value), 'a text, or undefined'],
  method('schema'),
  ['crossCheck', (value) => isAbsent(value) || isFunction(value), 'a function, or left out'],
];

const REPLY_PATH: readonly Field[] = [method('replyPath.beforeToken'), method('replyPath.of')];
const CLIENTS: readonly Field[] = [
  method('clients.schema'),
  ['clients.unread', (value) => Array.isArray(value) && value.every(isText), 'a list of keys'],
];

const at = (value: unknown, path: string): unknown =>
  path
    .split('.')
    .reduce<unknown>(
      (it, key) => (typeof it === 'object' && it !== null ? Reflect.get(it, key) : undefined),
      value,
    );

const fieldsOf = (value: unknown): readonly Field[] => {
  if (at(value, 'side') === 'egress') return [...FIELDS, ...REPLY_PATH];
  return isAbsent(at(value, 'clients')) ? FIELDS : [...FIELDS, ...CLIENTS];
};

/** The schemas of all types are one union, in which `type` tells which is meant. */
const schemaFlaw = (it: AdapterType, context: SchemaContext): string | undefined => {
  const { type } = it;
  let types: z.core.$ZodTypeInternals['propValues'];
  try {
    const made: unknown = it.schema(context);
    if (!(made instanceof z.ZodType)) return 'its schema gives no schema of zod 4';
    types = made._zod.propValues;
  } catch (error) {
    return `its schema cannot be made: ${errorText(error)}`;
  }
  const values = types?.['type'];
  return values?.size === 1 && values.has(type)
    ? undefined
    : `its schema has no key type with the one value ${quoted(type)}`;
};

/** What is not as it should be, in words that go on with "it …" or "its …". */
const faultIn = (value: unknown): string | undefined => {
  if (typeof value !== 'object' || value === null) return 'it is no object';
  const version = at(value, 'apiVersion');
  if (version === undefined)
    return 'it has no apiVersion: make it by defineIngress or defineEgress of mcbridge/adapter';
  if (version !== API_VERSION)
    return `it is of apiVersion ${JSON.stringify(version)}, and this version of mcbridge takes ${API_VERSION}`;
  const side = at(value, 'side');
  if (side !== 'ingress' && side !== 'egress') return 'its side is neither "ingress" nor "egress"';
  const wrong = fieldsOf(value).find(([path, is]) => !is(at(value, path)));
  return wrong === undefined ? undefined : `its ${wrong[0]} is not ${wrong[2]}`;
};

/** As {@link faultIn}; a field may be a getter, which throws. */
const readFaultIn = (value: unknown): string | undefined => {
  try {
    return faultIn(value);
  } catch (error) {
    return `it cannot be read: ${errorText(error)}`;
  }
};

const isAdapterType = (value: unknown): value is AdapterType => readFaultIn(value) === undefined;

/** What a module exports is not a list of adapter types; why, in words that go on with what it has. */
export class NoAdapterTypes extends Error {
  override readonly name = 'NoAdapterTypes';
}

const noType = (index: number, fault = ''): NoAdapterTypes =>
  new NoAdapterTypes(`has no adapter type as entry ${index} of its default export: ${fault}`);

/**
 * What a module exports, as adapter types.
 * @param context any, to see whether their schemas can be made
 * @throws NoAdapterTypes
 */
export const adapterTypesOf = (
  { default: exported }: { readonly default?: unknown },
  context: SchemaContext,
): readonly AdapterType[] => {
  if (!Array.isArray(exported))
    throw new NoAdapterTypes(
      exported === undefined ? 'has no default export' : 'has a default export that is no list',
    );
  if (exported.length === 0) throw new NoAdapterTypes('has a default export that is an empty list');
  return exported.map((value: unknown, index) => {
    if (!isAdapterType(value)) throw noType(index, readFaultIn(value));
    const flaw = schemaFlaw(value, context);
    if (flaw !== undefined) throw noType(index, flaw);
    return value;
  });
};
