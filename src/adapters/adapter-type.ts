import { z } from 'zod';
import type { SchemaContext } from '../config/context.ts';
import type { ReadFile } from '../config/files.ts';
import type { NodesConfig } from '../config/nodes.ts';
import type { KeyPath } from '../config/problem.ts';
import type { NatsSettings } from '../transport/nats/spec.ts';
import type { EgressAdapter, IngressAdapter } from './descriptor.ts';

/** The version of this interface. */
export const API_VERSION = 1;

/** An ingress or egress as the file has it. It may be wrong in itself; its schema reports that. */
export type RawEntry = Readonly<Record<string, unknown>>;

/** The surroundings of an entry whose file may be wrong. */
export interface RawAdapterContext {
  /** The entry's own name. */
  readonly name: string;
  /** The routes that start or end there. */
  readonly routes: readonly { readonly from: string | undefined; readonly isOpaque: boolean }[];
  /** Whether the file has a section `claims`. */
  readonly hasClaims: boolean;
}

/** A fault of an entry at its place in the file, which a schema cannot find. */
export interface Fault {
  /** From the entry on. */
  readonly path: KeyPath;
  readonly message: string;
  readonly allowed?: string;
}

/** Where a client of Choria reaches what an ingress stands for. */
export interface ClientAccess {
  /** Its connection; reads the files that it names. */
  settings(around: { readonly identity: string }, read: ReadFile): NatsSettings;
  /** Clusters whose brokers carry its requests; without any, nodes and the bridge listen in the collective itself. */
  readonly federation: readonly string[];
}

/** How clients of Choria use an ingress's section. */
export interface ClientReach {
  /** Reads as much of the section as they need. */
  schema(context: SchemaContext): z.ZodType<(name: string) => ClientAccess>;
  /** Keys of the section that it ignores. */
  readonly unread: readonly string[];
}

/** A schema that its key `type` tells from others. */
export type EntrySchema<T> = z.ZodType<T> & z.core.$ZodTypeDiscriminable;

/** An ingress or egress of a configuration. */
interface Entry<A> {
  readonly name: string;
  /** As in bridge.yaml. */
  readonly type: string;
  /** The format that it can pass unchanged (opaque); undefined where there is none. */
  readonly opaque: string | undefined;
  /** Its section, as data that can be compared. */
  readonly config: object;
  /** What its protocol says of it. */
  readonly adapter: A;
}

export type IngressEntry = Entry<IngressAdapter>;

export interface EgressEntry extends Entry<EgressAdapter>, NodesConfig {}

interface TypeFacts {
  readonly apiVersion: typeof API_VERSION;
  /** As in bridge.yaml. */
  readonly type: string;
  /** `nats` where its links are made by `natsSpec`, `stomp`, or the name of a transport of its own. */
  readonly transport: string;
  /** One of `servers`, where sections have them, for commands that make no connection: valid with any other settings. */
  readonly anyServer: string;
  /** The format that it can pass unchanged (opaque); undefined where there is none. */
  readonly opaque: string | undefined;
  /** Faults of an entry that a schema cannot find. */
  crossCheck?(entry: RawEntry, around: RawAdapterContext): readonly Fault[];
}

interface Type<E> extends TypeFacts {
  /** Reads a section; the name of the entry that it makes is the key of that section. */
  schema(context: SchemaContext): EntrySchema<(name: string) => E>;
}

/** A kind of ingress. */
export interface IngressType extends Type<IngressEntry> {
  readonly side: 'ingress';
  /** Undefined where clients of Choria cannot use it. */
  readonly clients: ClientReach | undefined;
}

/** A message of an egress as a recording has it. */
export interface Recorded {
  readonly dir: 'in' | 'out';
  readonly destination: string;
  readonly replyTo: string | undefined;
  /** Its body, where that is text. */
  readonly text: string | undefined;
}

/**
 * Places with a reply token in them, by which replies find the bridge. Tokens are at least 60 characters of base64url; no
 * part of a client's own reply destination is.
 */
export interface ReplyPath {
  /** What stands before the token of such a place; undefined for any other. */
  beforeToken(place: string): string | undefined;
  /** The place that a request bears on its way out, or that its reply names; undefined where none does. */
  of(message: Recorded): string | undefined;
}

/** A kind of egress. */
export interface EgressType extends Type<EgressEntry> {
  readonly side: 'egress';
  readonly replyPath: ReplyPath;
}

export type AdapterType = IngressType | EgressType;

interface Given<C, A> extends Omit<TypeFacts, 'apiVersion'> {
  schema(context: SchemaContext): EntrySchema<C>;
  adapt(config: C, name: string): A;
}

const entryOf = <C extends object, A>(
  { type, opaque, adapt }: Given<C, A>,
  config: C,
  name: string,
): Entry<A> => ({ name, type, opaque, config, adapter: adapt(config, name) });

/** What a protocol's folder says about its kind of ingress. */
export const defineIngress = <C extends object>({
  clients,
  ...given
}: Given<C, IngressAdapter> & { readonly clients?: ClientReach }): IngressType => {
  const { schema, adapt: _, ...facts } = given;
  return {
    ...facts,
    apiVersion: API_VERSION,
    side: 'ingress',
    clients,
    schema: (context) => schema(context).transform((config) => (name) => entryOf(given, config, name)),
  };
};

/** Adapter types that TypeScript does not check may lack what the program reads of every egress. */
const NO_NODES =
  'the schema of its type gives no nodes and discovery, which nodesFields and nodesOf of mcbridge/adapter make';

/** What a protocol's folder says about its kind of egress. */
export const defineEgress = <C extends NodesConfig>({
  replyPath,
  ...given
}: Given<C, EgressAdapter> & Pick<EgressType, 'replyPath'>): EgressType => {
  const { schema, adapt: _, ...facts } = given;
  return {
    ...facts,
    apiVersion: API_VERSION,
    side: 'egress',
    replyPath,
    schema: (context) =>
      schema(context).transform((config, { addIssue }) => {
        const { network, nodes, discovery }: Partial<NodesConfig> = config;
        if (nodes !== undefined && discovery !== undefined)
          return (name: string) => ({ ...entryOf(given, config, name), network, nodes, discovery });
        addIssue({ code: 'custom', message: NO_NODES, params: { sentence: true } });
        return z.NEVER;
      }),
  };
};
