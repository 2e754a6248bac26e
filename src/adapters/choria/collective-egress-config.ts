import { z } from 'zod';
import type { SchemaContext } from '../../config/context.ts';
import { ALWAYS, choice, path, pattern, refuse, setting } from '../../config/fields.ts';
import { nodesFields, nodesOf } from '../../config/nodes.ts';
import { CALLERS } from '../../config/pattern/meaning.ts';
import { pairOf } from '../../config/shared.ts';
import { checkNats, natsFields, natsOf } from '../kit/nats/config.ts';
import { subscriptionsField } from './subscriptions-field.ts';
import { DEFAULT_PRIVILEGED } from './wire/index.ts';

/** With what the bridge signs. */
export type ChoriaSigningConfig =
  | { readonly kind: 'privileged'; readonly own: ChoriaPairConfig }
  /** A folder of callers' own: `<name>.pem` and `<name>.key`. There `own` only sends discovery. */
  | { readonly kind: 'callers'; readonly folder: string; readonly own: ChoriaPairConfig | undefined };

/** Paths of PEM files: a certificate that nodes hold privileged, with any intermediates, and its RSA key. */
export type ChoriaPairConfig = NonNullable<ReturnType<typeof pairOf>>;

const signingSection = (file: () => ReturnType<typeof path>) =>
  z
    .strictObject({
      cert: setting(
        'a certificate that nodes hold privileged, in PEM, with its intermediates',
        file().optional(),
      ),
      key: setting('its RSA key, in PEM', file().optional()),
      certs_dir: setting(
        "a folder with each caller's own: <name>.pem and <name>.key for choria=<name>",
        file().optional(),
      ),
    })
    .transform((it, context): ChoriaSigningConfig => {
      const own = pairOf(it);
      if (own === undefined && it.cert !== it.key)
        refuse(context, [], 'cert and key belong together: give both');
      else if (it.certs_dir !== undefined) return { kind: 'callers', folder: it.certs_dir, own };
      else if (own !== undefined) return { kind: 'privileged', own };
      else refuse(context, [], 'give certs_dir, or cert and key, or all of them');
      return z.NEVER;
    });

interface Given {
  readonly signing?: unknown;
  readonly compound?: unknown;
  readonly privileged?: unknown;
}

const checkSigning = (it: Given, context: z.core.$RefinementCtx<Given>): void => {
  if (it.signing !== undefined) return;
  for (const key of ['compound', 'privileged'] as const)
    if (it[key] !== undefined)
      refuse(context, [key], 'has no effect without signing: requests pass as they are; leave it out');
};

export const choriaCollective = (context: SchemaContext) => {
  const file = () => path(context.resolve);
  return z
    .strictObject({
      type: z.literal('choria-collective').describe('requests to the nodes of a Choria collective'),
      ...natsFields(file),
      subscriptions: subscriptionsField(),
      ...nodesFields(),
      signing: setting(
        'with what requests are signed; needed where they are translated',
        signingSection(file).optional(),
      ),
      compound: setting(
        "how compound filters are written: for go-choria's nodes, or for Ruby's",
        choice(['expr', 'tokens']).optional(),
        { default: 'expr' },
      ),
      privileged: setting(
        'callerids that only an identity rule with privileged: true may yield',
        z.array(pattern(CALLERS)).optional(),
        { default: DEFAULT_PRIVILEGED.map(({ source }) => source) },
      ),
    })
    .superRefine(checkNats, ALWAYS)
    .superRefine(checkSigning, ALWAYS)
    .transform(({ compound = 'expr', privileged = DEFAULT_PRIVILEGED, ...it }) => ({
      ...natsOf(it),
      ...nodesOf(it),
      signing: it.signing,
      compound,
      privileged,
    }));
};

/** Requests to a Choria collective, over NATS: opaque ones of a federation, and others signed in their caller's name. */
export type ChoriaCollectiveConfig = z.output<ReturnType<typeof choriaCollective>>;
