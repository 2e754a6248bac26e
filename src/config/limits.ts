import type { z } from 'zod';
import type { CamelKeys } from './camel-keys.ts';
import { bytes, integer, seconds, setting } from './fields.ts';

const MiB = 1024 ** 2;

/** What one request may be, the same on every side. */
export const limitFields = () => ({
  max_ttl: setting('the longest ttl that a request is believed', seconds(1, 24 * 3600).default(3600)),
  max_targets: setting('how many nodes one request may be for', integer(1, 100_000).default(1000)),
  max_message_bytes: setting(
    'the longest message that is looked at',
    bytes(64 * 1024, 256 * MiB).default(4 * MiB),
  ),
});

export type Limits = CamelKeys<z.output<z.ZodObject<ReturnType<typeof limitFields>>>>;

/** Without what else a configuration has. */
export const limitsOf = ({ maxTtl, maxTargets, maxMessageBytes }: Limits): Limits => ({
  maxTtl,
  maxTargets,
  maxMessageBytes,
});
