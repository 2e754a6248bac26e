import type { SchemaContext } from '../config/context.ts';
import type { KeyPath } from '../config/problem.ts';
import { errorText } from '../envelope/text.ts';
import type { AdapterType, EntrySchema, RawAdapterContext, RawEntry } from './adapter-type.ts';

/** Code of an adapter that `adapters` brings has failed, in words that name its file and type. */
export class AdapterFault extends Error {
  override readonly name = 'AdapterFault';
  /** Its entry in the configuration. */
  readonly path: KeyPath;

  constructor(path: KeyPath, message: string, cause: unknown) {
    super(message, { cause });
    this.path = path;
  }
}

/** Where an adapter type comes from. */
export interface Origin {
  /** As `adapters` names it. */
  readonly name: string;
  readonly path: KeyPath;
}

/**
 * The same type, whose code throws an AdapterFault where it throws while a configuration is read: by its schema, what that
 * transforms, its crossCheck, or where an entry gets its adapter.
 */
export const told = (it: AdapterType, { name, path }: Origin): AdapterType => {
  const within = <T>(what: string, call: () => T): T => {
    try {
      return call();
    } catch (error) {
      if (error instanceof AdapterFault) throw error;
      throw new AdapterFault(
        path,
        `${what} of the ${it.side} type ${it.type} of ${name} throws: ${errorText(error)}`,
        error,
      );
    }
  };
  const facts = {
    type: it.type,
    transport: it.transport,
    anyServer: it.anyServer,
    opaque: it.opaque,
    crossCheck: (entry: RawEntry, around: RawAdapterContext) =>
      within('crossCheck', () => it.crossCheck?.(entry, around) ?? []),
  };
  /** What a schema transforms and refines is run by it, where only this says whose it is. */
  const watched = <S extends { readonly _zod: { run: (...args: never[]) => unknown } }>(schema: S): S => {
    const { run } = schema._zod;
    schema._zod.run = (...args) => within('the schema', () => run(...args));
    return schema;
  };
  const toldOf = <E>(schema: EntrySchema<(entry: string) => E>): EntrySchema<(entry: string) => E> =>
    watched(schema.transform((entryOf) => (entry: string) => within('adapt', () => entryOf(entry))));
  if (it.side === 'ingress') {
    const { apiVersion, side, clients } = it;
    const schema = (context: SchemaContext) => toldOf(within('the schema', () => it.schema(context)));
    return { ...it, ...facts, apiVersion, side, clients, schema };
  }
  const { apiVersion, side, replyPath } = it;
  const schema = (context: SchemaContext) => toldOf(within('the schema', () => it.schema(context)));
  return { ...it, ...facts, apiVersion, side, replyPath, schema };
};
