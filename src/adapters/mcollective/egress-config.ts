import { z } from 'zod';
import type { SchemaContext } from '../../config/context.ts';
import { ALWAYS, integer, path, pattern, refuse, setting, text } from '../../config/fields.ts';
import { nodesFields, nodesOf } from '../../config/nodes.ts';
import { CALLERS } from '../../config/pattern/meaning.ts';
import { isCallerId } from '../../envelope/check.ts';
import { checkStomp, stompFields, stompOf } from './connection-config.ts';

/** Whose key signs requests: each mapped caller's own, `<folder>/<name>.pem` for `cert=<name>`, or one for all. */
export type SigningConfig =
  | { readonly kind: 'keys'; readonly folder: string }
  | { readonly kind: 'shared'; readonly callerid: string; readonly privateKey: string };

const EITHER =
  'give either keys_dir (a private key for each caller), or callerid and private_key (one shared identity)';

const signing = (file: () => ReturnType<typeof path>) =>
  z
    .strictObject({
      keys_dir: setting(
        "a folder with each caller's private key: <name>.pem for cert=<name>",
        file().optional(),
      ),
      callerid: setting(
        'one identity for all, in place of keys_dir',
        text('a callerid such as cert=mcbridge', isCallerId).optional(),
      ),
      private_key: setting('the private key of that identity, in PEM', file().optional()),
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
      type: z.literal('mcollective-stomp').describe('requests to legacy MCollective nodes'),
      ...stompFields(file),
      ...nodesFields(),
      direct_limit: setting(
        'fewer directed messages than this lie in the broker unanswered; 0 sends all as broadcasts',
        integer(0, 1_000_000).default(10),
      ),
      signing: setting('whose key signs requests', signing(file)),
      server_public_key: setting(
        'the public key or certificate of the daemons, in PEM, or a list of them',
        z.preprocess((value) => (typeof value === 'string' ? [value] : value), z.array(file()).min(1)),
        { type: ['array', 'string'] },
      ),
      privileged: setting(
        'callerids that only an identity rule with privileged: true may yield',
        z.array(pattern(CALLERS)).default([]),
      ),
    })
    .superRefine(checkStomp, ALWAYS)
    .transform(({ server_public_key, ...it }) => ({
      ...stompOf(it),
      ...nodesOf(it),
      serverPublicKeys: server_public_key,
    }));
};

/** Requests to legacy MCollective nodes, over STOMP. */
export type McollectiveStompConfig = z.output<ReturnType<typeof mcollectiveStomp>>;
