import { z } from 'zod';
import { camelKeys } from '../../config/camel-keys.ts';
import type { SchemaContext } from '../../config/context.ts';
import { ALWAYS, bool, choice, path, seconds, setting, text } from '../../config/fields.ts';
import { checkLocalEgress, localEgressFields, localEgressOf } from '../../config/local-egress.ts';
import { CLAIMS_MAX_AHEAD_SECONDS, SHARES } from '../../config/share.ts';
import { checkStomp, stompFields, stompOf } from './connection-config.ts';

const COLLECTIVE = '{collective}';

/** One queue a collective, so that a message's collective is where it was sent; no wildcard, list or option. */
const isQueue = (name: string): boolean =>
  name.includes(COLLECTIVE) && /^\/queue\/[\w-]+(\.[\w-]+)*$/.test(name.replaceAll(COLLECTIVE, 'c'));

/** A place of the broker, with `*` for any text. */
const isPlace = (name: string): boolean =>
  /^\/(queue|topic|remote-temp-queue|remote-temp-topic)\/[\w:@~+=%.*-]+$/.test(name);

/** Seconds. What is wrong by a time zone, or by a day, is taken, unless claims would have to be kept for it. */
const DAY_SECONDS = 24 * 3600;
const TEN_YEARS_SECONDS = 3650 * DAY_SECONDS;

const callers = (file: () => ReturnType<typeof path>) =>
  z.strictObject({
    keys_dir: setting("a folder with each caller's public key: <name>.pem for cert=<name>", file()),
    enforce_ttl: setting("MCollective's plugin.ssl.enforce_ttl", bool().default(true)),
    max_ahead: setting(
      "how far ahead of this machine's clock a client's may be; where it is not given, 24h, and 1m with claims",
      seconds(0, TEN_YEARS_SECONDS).optional(),
    ),
    reply_to: setting(
      'further places where clients may await replies; * is any text',
      z.array(text('a queue such as /queue/results.*', isPlace)).default([]),
    ),
  });

export const mcollectiveStompIngress = (context: SchemaContext) => {
  const file = () => path(context.resolve);
  return z
    .strictObject({
      type: z.literal('mcollective-stomp').describe('requests of legacy MCollective clients'),
      ...stompFields(file),
      callers: setting('whose requests are believed', callers(file)),
      server_private_key: setting('the private key that all daemons share, in PEM; signs replies', file()),
      share: setting(
        'how instances share broadcasts; where it is not given, claims if there is a section claims, queue if there is a broadcast_queue, else single',
        choice(SHARES).optional(),
      ),
      broadcast_queue: setting(
        'where the broker forwards broadcasts to, with {collective} for the name of each',
        text(`a queue such as /queue/mcbridge.${COLLECTIVE}.requests`, isQueue).optional(),
      ),
      ...localEgressFields(),
    })
    .superRefine(checkStomp, ALWAYS)
    .superRefine(checkLocalEgress, ALWAYS)
    .transform(({ local_egress, beside, share: given, ...it }) => {
      const share =
        given ?? (context.hasClaims ? 'claims' : it.broadcast_queue === undefined ? 'single' : 'queue');
      const { max_ahead = share === 'claims' ? CLAIMS_MAX_AHEAD_SECONDS : DAY_SECONDS, ...callers } =
        it.callers;
      return {
        ...stompOf(it),
        callers: camelKeys({ ...callers, max_ahead }),
        share,
        localEgress: localEgressOf({ local_egress, beside }),
      };
    });
};

/** The queue that the broker forwards broadcasts to, where instances share them by it; undefined: the topics. */
export const queueOf = ({
  share,
  broadcastQueue,
}: Pick<McollectiveStompIngressConfig, 'share' | 'broadcastQueue'>): string | undefined =>
  share === 'queue' ? broadcastQueue : undefined;

/** Requests from legacy MCollective clients, over STOMP. */
export type McollectiveStompIngressConfig = z.output<ReturnType<typeof mcollectiveStompIngress>>;
