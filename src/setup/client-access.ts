import { z } from 'zod';
import type { ClientAccess } from '../adapters/adapter-type.ts';
import type { Registry } from '../adapters/registry.ts';
import type { Environment } from '../config/substitute.ts';
import { type LoadedParts, loadParts } from './parts.ts';
import { generalFields } from './schema.ts';

/** Where a Choria client reaches what an ingress stands for. */
export interface IngressAccess {
  readonly access: ClientAccess;
  readonly identity: string;
}

/** There is no ingress that a client of Choria could use. */
export class NoClientAccess extends Error {
  override readonly name = 'NoClientAccess';
}

/**
 * How a client of Choria reaches the bridge of a configuration. Nothing else of the file is read. The first kind of ingress that
 * the configuration has counts, in the order of the registry.
 * @param registry as `loadRegistry` gives it
 * @throws NoClientAccess, ConfigUnreadable, ConfigError
 */
export const loadClientAccess = (
  file: string,
  env: Environment,
  { ingressTypes }: Registry,
): LoadedParts<IngressAccess> =>
  loadParts(file, env, ({ ingresses }, context) => {
    const kinds = ingressTypes.flatMap(({ type, clients }) => (clients ? [{ type, clients }] : []));
    for (const { type, clients } of kinds)
      for (const [name, entry] of Object.entries(ingresses))
        if (entry['type'] === type)
          return {
            schema: z
              .object({
                identity: generalFields(context).identity,
                ingresses: z.object({ [name]: clients.schema(context) }),
              })
              .transform(({ identity, ingresses }, { addIssue }) => {
                const access = ingresses[name]?.(name);
                if (access !== undefined) return { identity, access };
                addIssue({ code: 'custom', message: 'is missing' });
                return z.NEVER;
              }),
            paths: [['identity'], ['cluster'], ['ingresses', name]],
            except: clients.unread.map((key) => ['ingresses', name, key]),
          };
    throw new NoClientAccess(
      `${file} has no ingress of type ${kinds.map(({ type }) => type).join(' or ')}, which a client of Choria could use`,
    );
  });
