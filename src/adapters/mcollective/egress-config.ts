import { z } from 'zod';
import type { SchemaContext } from '../../config/context.ts';
import { ALWAYS, integer, path, pattern, refuse, text } from '../../config/fields.ts';
import { type NodesConfig, nodesFields, nodesOf } from '../../config/nodes.ts';
import { CALLERS } from '../../config/pattern/meaning.ts';
import { isCallerId } from '../../envelope/check.ts';
import type { Pattern } from '../../envelope/pattern.ts';
import { checkStomp, type StompConnection, stompFields, stompOf } from './connection-config.ts';

/** Requests to legacy MCollective nodes, over STOMP. */
export interface McollectiveStompConfig extends StompConnection, NodesConfig {
  readonly type: 'mcollective-stomp';
  /** Fewer directed frames than this lie unanswered in the broker's queue. */
  readonly directLimit: number;
  readonly signing: SigningConfig;
  /** Paths of PEM public keys or certificates of the daemons. */
  readonly serverPublicKeys: readonly string[];
  /** Callerids that only a rule with `privileged: true` may yield. */
  readonly privileged: readonly Pattern[];
}

/** Whose key signs requests: each mapped caller's own, `<folder>/<name>.pem` for `cert=<name>`, or one for all. */
export type SigningConfig =
  | { readonly kind: 'keys'; readonly folder: string }
  | { readonly kind: 'shared'; readonly callerid: string; readonly privateKey: string };

const EITHER =
  'give either keys_dir (a private key for each caller), or callerid and private_key (one shared identity)';

const signing = (file: () => ReturnType<typeof path>) =>
  z
    .strictObject({
      keys_dir: file().optional(),
      callerid: text('a callerid such as cert=mcbridge', isCallerId).optional(),
      private_key: file().optional(),
    })
    .superRefine((it, context) => {
      const shared = it.callerid !== undefined && it.private_key !== undefined;
      const any = it.callerid !== undefined || it.private_key !== undefined;
      if (it.keys_dir === undefined ? !shared : any) refuse(context, [], EITHER);
    }, ALWAYS)
    .transform((it): SigningConfig => {
      const { keys_dir: folder, callerid = '', private_key: privateKey = '' } = it;
      return folder === undefined ? { kind: 'shared', callerid, privateKey } : { kind: 'keys', folder };
    });

export const mcollectiveStomp = (context: SchemaContext) => {
  const file = () => path(context.resolve);
  return z
    .strictObject({
      type: z.literal('mcollective-stomp'),
      ...stompFields(file),
      ...nodesFields(),
      direct_limit: integer(0, 1_000_000).default(10),
      signing: signing(file),
      server_public_key: z
        .preprocess((value) => (typeof value === 'string' ? [value] : value), z.array(file()).min(1))
        .meta({ type: ['array', 'string'] }),
      privileged: z.array(pattern(CALLERS)).default([]),
    })
    .superRefine(checkStomp, ALWAYS)
    .transform(
      (it): McollectiveStompConfig => ({
        type: it.type,
        ...stompOf(it),
        ...nodesOf(it),
        directLimit: it.direct_limit,
        signing: it.signing,
        serverPublicKeys: it.server_public_key,
        privileged: it.privileged,
      }),
    );
};
