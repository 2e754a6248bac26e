import type { ChoriaCollectiveEgressOptions } from '../../../../src/adapters/choria/collective/options.ts';
import { createChoriaCollectiveEgress } from '../../../../src/adapters/choria/collective-egress.ts';
import type { Egress } from '../../../../src/envelope/port.ts';
import { SigningPool } from '../../../../src/pki/signing-pool.ts';
import type { Link } from '../../../../src/transport/link.ts';
import { CLUSTER } from '../../brokers.ts';
import { BRIDGE, MAX_BYTES, tokenKey } from '../../world.ts';

type Options = ChoriaCollectiveEgressOptions;

/** What an egress is made with, all on one level. */
export type CollectiveEgressOverrides = Partial<
  Omit<Options, 'config' | 'around' | 'services'> &
    Omit<Options['config'], 'buffer'> &
    Options['around'] &
    Options['services'] & { readonly maxUnsignedBytes: number }
>;

/** One that passes requests unchanged, unless it is given credentials. */
export const makeCollectiveEgress = (link: Link, overrides: CollectiveEgressOverrides = {}): Egress => {
  const all = {
    name: 'member',
    link,
    homes: new Map(),
    credentials: undefined,
    subscriptions: 1,
    compound: 'expr',
    identity: BRIDGE,
    cluster: CLUSTER,
    maxMessageBytes: MAX_BYTES,
    maxUnsignedBytes: 16 * 1024 ** 2,
    tokenKey,
    pool: new SigningPool(),
    clock: Date.now,
    ...overrides,
  } as const;
  const config = { ...all, buffer: { messages: 1, bytes: all.maxUnsignedBytes } };
  return createChoriaCollectiveEgress({ ...all, config, around: all, services: all });
};
