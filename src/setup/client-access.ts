import { z } from 'zod';
import { choriaCollectiveIngress } from '../adapters/choria/collective-ingress-config.ts';
import { choriaFederation } from '../adapters/choria/federation-config.ts';
import type { SchemaContext } from '../config/context.ts';
import type { Environment } from '../config/substitute.ts';
import { type LoadedParts, loadParts } from './parts.ts';
import { generalFields } from './schema.ts';
import type { IngressConfig, Named } from './types.ts';

/** Where a Choria client reaches what an ingress stands for. */
export interface ClientAccess {
  /** Its connection. */
  readonly ingress: Named<Extract<IngressConfig, { readonly tls: unknown; readonly token: unknown }>>;
  /** Clusters whose brokers carry its requests; none: nodes, and the bridge, listen in the collective itself. */
  readonly federation: readonly string[];
  readonly identity: string;
}

/** A kind of ingress that clients of Choria reach, and how to read one of that name. */
type Reach = (context: SchemaContext, name: string) => z.ZodType<ClientAccess>;

/** Whom the bridge believes is nothing to a client; an ingress is not valid without. */
const withoutCallers = (entry: unknown): unknown =>
  typeof entry === 'object' && entry !== null ? { ...entry, callers: { ca: 'none' } } : entry;

const document = <T extends z.ZodType>(context: SchemaContext, name: string, ingress: T) =>
  z.object({
    identity: generalFields(context).identity,
    ingresses: z.object({ [name]: z.preprocess(withoutCallers, ingress) }),
  });

/** The first of these that a configuration has is the one; a new protocol that Choria's clients speak adds a line. */
const REACHES: ReadonlyMap<string, Reach> = new Map<string, Reach>([
  [
    'choria-federation',
    (context, name) =>
      document(context, name, choriaFederation(context)).transform(
        ({ identity, ingresses }, { addIssue }) => {
          const ingress = ingresses[name];
          if (ingress !== undefined)
            return { identity, ingress: { ...ingress, name }, federation: [ingress.cluster] };
          addIssue({ code: 'custom', message: 'is missing' });
          return z.NEVER;
        },
      ),
  ],
  [
    'choria-collective',
    (context, name) =>
      document(context, name, choriaCollectiveIngress(context)).transform(
        ({ identity, ingresses }, { addIssue }) => {
          const ingress = ingresses[name];
          if (ingress !== undefined) return { identity, ingress: { ...ingress, name }, federation: [] };
          addIssue({ code: 'custom', message: 'is missing' });
          return z.NEVER;
        },
      ),
  ],
]);

/** There is no ingress that a client of Choria could use. */
export class NoClientAccess extends Error {
  override readonly name = 'NoClientAccess';
}

const typeOf = (entry: unknown): unknown =>
  typeof entry === 'object' && entry !== null && 'type' in entry ? entry.type : undefined;

/**
 * How a client of Choria reaches the bridge of a configuration. Nothing else of the file is read.
 * @throws NoClientAccess, ConfigUnreadable, ConfigError
 */
export const loadClientAccess = (file: string, env: Environment): LoadedParts<ClientAccess> =>
  loadParts(file, env, ({ ingresses }, context) => {
    for (const [type, reach] of REACHES)
      for (const [name, entry] of Object.entries(ingresses))
        if (typeOf(entry) === type)
          return {
            schema: reach(context, name),
            paths: [['identity'], ['cluster'], ['ingresses', name]],
            except: [['ingresses', name, 'callers']],
          };
    throw new NoClientAccess(
      `${file} has no ingress of type ${[...REACHES.keys()].join(' or ')}, which a client of Choria could use`,
    );
  });
