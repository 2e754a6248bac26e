import type { z } from 'zod';
import type { SchemaContext } from '../config/context.ts';
import type { ReadFile } from '../config/files.ts';
import type { KeyPath } from '../config/problem.ts';
import type { NatsSettings } from '../transport/nats/spec.ts';
import type { EgressAdapter, IngressAdapter } from './descriptor.ts';

/** What this version of the program asks of an adapter type. */
export const API_VERSION = 1;

/** An ingress or egress as the file gives it: it may be wrong in itself, which its schema says. */
export type RawEntry = Readonly<Record<string, unknown>>;

/** What is around an entry whose file may be wrong. */
export interface RawAround {
  /** The entry's own name. */
  readonly name: string;
  /** The routes that start or end there. */
  readonly routes: readonly { readonly from: string | undefined; readonly isOpaque: boolean }[];
  /** Whether the file has a section `claims`. */
  readonly hasClaims: boolean;
}

/** What is wrong with an entry where it is, which no schema can say. */
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
  /** Clusters whose brokers carry its requests; none: nodes, and the bridge, listen in the collective itself. */
  readonly federation: readonly string[];
}

/** How clients of Choria use an ingress's section. */
export interface ClientReach {
  /** Reads as much of the section as they need. */
  schema(context: SchemaContext): z.ZodType<(name: string) => ClientAccess>;
  /** Keys of the section that it does not look at. */
  readonly unread: readonly string[];
}

/** A schema that is told from others by its key `type`. */
export type EntrySchema<T> = z.ZodType<T> & z.core.$ZodTypeDiscriminable;

/** An entry that its schema has read. */
export interface Entry<C, A> {
  readonly type: string;
  /** Data that can be compared. */
  readonly config: C;
  adapt(name: string): A;
}

interface TypeFacts {
  readonly apiVersion: typeof API_VERSION;
  /** As in bridge.yaml. */
  readonly type: string;
  /** `nats` or `stomp`, or the name of an adapter's own transport. */
  readonly transport: string;
  /** One of `servers` for whoever makes no connection: valid with whatever stands beside it. */
  readonly anyServer: string;
  /** The format of what it can pass as it is; undefined where it cannot. */
  readonly opaque: string | undefined;
  /** What no schema can say of an entry. */
  crossCheck?(entry: RawEntry, around: RawAround): readonly Fault[];
}

interface Type<C, A> extends TypeFacts {
  schema(context: SchemaContext): EntrySchema<Entry<C, A>>;
  /** What the protocol says of a configuration that the schema has read; undefined for one of another type. */
  adapterOf(it: Typed & { readonly name: string }): A | undefined;
}

/** A kind of ingress. */
export interface IngressType<C extends Typed = Typed> extends Type<C, IngressAdapter> {
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
export interface WayHome {
  /** What stands before the token of such a place; undefined for any other. */
  beforeToken(place: string): string | undefined;
  /** The place that a request bears on its way out, or that its reply names; undefined where none does. */
  of(message: Recorded): string | undefined;
}

/** A kind of egress. */
export interface EgressType<C extends Typed = Typed> extends Type<C, EgressAdapter> {
  readonly side: 'egress';
  readonly wayHome: WayHome;
}

/** What every adapter's configuration has. */
export interface Typed {
  readonly type: string;
}

interface Given<C, A> extends Omit<TypeFacts, 'apiVersion'> {
  schema(context: SchemaContext): EntrySchema<C>;
  adapt(config: C, name: string): A;
}

const bind = <C extends Typed, A>({ schema, adapt, ...facts }: Given<C, A>): Type<C, A> => {
  // Types have names of their own, and only this schema makes a configuration of this one.
  const isOwn = (it: Typed): it is C => it.type === facts.type;
  return {
    ...facts,
    apiVersion: API_VERSION,
    schema: (context) =>
      schema(context).transform((config) => ({
        type: facts.type,
        config,
        adapt: (name: string) => adapt(config, name),
      })),
    adapterOf: (it) => (isOwn(it) ? adapt(it, it.name) : undefined),
  };
};

/** What a folder of a protocol says of its kind of ingress. */
export const defineIngress = <C extends Typed>({
  clients,
  ...given
}: Given<C, IngressAdapter> & { readonly clients?: ClientReach }): IngressType<C> => ({
  ...bind(given),
  side: 'ingress',
  clients,
});

/** What a folder of a protocol says of its kind of egress. */
export const defineEgress = <C extends Typed>({
  wayHome,
  ...given
}: Given<C, EgressAdapter> & Pick<EgressType, 'wayHome'>): EgressType<C> => ({
  ...bind(given),
  side: 'egress',
  wayHome,
});
