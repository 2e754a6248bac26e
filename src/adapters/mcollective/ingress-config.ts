import { z } from 'zod';
import type { SchemaContext } from '../../config/context.ts';
import { ALWAYS, bool, choice, path, seconds, text } from '../../config/fields.ts';
import { checkLocalEgress, localEgressFields, localEgressOf } from '../../config/local-egress.ts';
import { CLAIMED_AHEAD, SHARES, type Share } from '../../config/share.ts';
import { checkStomp, type StompConnection, stompFields, stompOf } from './connection-config.ts';

/** Requests from legacy MCollective clients, over STOMP. */
export interface McollectiveStompIngressConfig extends StompConnection {
  readonly type: 'mcollective-stomp';
  readonly callers: LegacyCallersConfig;
  /** Path of the PEM private key that all daemons share; signs replies. */
  readonly serverPrivateKey: string;
  /** How instances share broadcasts, of which a topic gives each a copy. */
  readonly share: Share;
  /** Where the broker forwards broadcasts to, `{collective}` stands for each collective; undefined: the topics. */
  readonly broadcastQueue: string | undefined;
  /** Name of the egress on the same side, whose nodes answer by themselves. */
  readonly localEgress: string | undefined;
}

/** Whose requests are believed. */
export interface LegacyCallersConfig {
  /** Path of the folder with the clients' public keys, `<name>.pem` for `cert=<name>`. */
  readonly keysDir: string;
  /** MCollective's `plugin.ssl.enforce_ttl`. */
  readonly enforceTtl: boolean;
  /** How far ahead of this host's clock a client's may be, in seconds. */
  readonly maxAhead: number;
  /** Globs of further places where clients may await replies. */
  readonly replyTo: readonly string[];
}

const COLLECTIVE = '{collective}';

/** One queue a collective, so that a message's collective is where it was sent; no wildcard, list or option. */
const isQueue = (name: string): boolean =>
  name.includes(COLLECTIVE) && /^\/queue\/[\w-]+(\.[\w-]+)*$/.test(name.replaceAll(COLLECTIVE, 'c'));

/** A place of the broker, with `*` for any text. */
const isPlace = (name: string): boolean =>
  /^\/(queue|topic|remote-temp-queue|remote-temp-topic)\/[\w:@~+=%.*-]+$/.test(name);

/** Seconds. What is wrong by a time zone, or by a day, is taken, unless claims would have to be kept for it. */
const DAY = 24 * 3600;
const TEN_YEARS = 3650 * DAY;

export const mcollectiveStompIngress = (context: SchemaContext) => {
  const file = () => path(context.resolve);
  return z
    .strictObject({
      type: z.literal('mcollective-stomp'),
      ...stompFields(file),
      callers: z.strictObject({
        keys_dir: file(),
        enforce_ttl: bool().default(true),
        max_ahead: seconds(0, TEN_YEARS).optional(),
        reply_to: z.array(text('a queue such as /queue/results.*', isPlace)).default([]),
      }),
      server_private_key: file(),
      share: choice(SHARES).optional(),
      broadcast_queue: text(`a queue such as /queue/mcbridge.${COLLECTIVE}.requests`, isQueue).optional(),
      ...localEgressFields(),
    })
    .superRefine(checkStomp, ALWAYS)
    .superRefine(checkLocalEgress, ALWAYS)
    .transform((it): McollectiveStompIngressConfig => {
      const share =
        it.share ?? (context.hasClaims ? 'claims' : it.broadcast_queue === undefined ? 'single' : 'queue');
      return {
        type: it.type,
        ...stompOf(it),
        callers: {
          keysDir: it.callers.keys_dir,
          enforceTtl: it.callers.enforce_ttl,
          maxAhead: it.callers.max_ahead ?? (share === 'claims' ? CLAIMED_AHEAD : DAY),
          replyTo: it.callers.reply_to,
        },
        serverPrivateKey: it.server_private_key,
        share,
        broadcastQueue: it.broadcast_queue,
        localEgress: localEgressOf(it),
      };
    });
};
