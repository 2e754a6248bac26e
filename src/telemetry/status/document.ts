import { z } from 'zod';

/** ISO 8601. */
const time = () => z.string();
const count = () => z.int().min(0);
const rate = () => z.object({ minute: z.number(), five_minutes: z.number() });
const passed = () => z.object({ received: count(), sent: count() });

const trouble = z.object({
  name: z.string(),
  side: z.string(),
  problem: z.string(),
  reason: z.string(),
});

const link = z.object({
  name: z.string(),
  side: z.string(),
  up: z.boolean(),
  server: z.string().optional(),
  /** When the connection was made or was lost, or took the place of another and was not there yet; null: there was none yet. */
  since: time().nullable(),
  /** Why it is down. */
  reason: z.string().optional(),
  /** Messages that wait for it. */
  buffered: count(),
  /** What the broker does not let it do, and the line that would. */
  denied: z.array(
    z.object({
      right: z.string(),
      destination: z.string(),
      reason: z.string(),
      hint: z.string().optional(),
    }),
  ),
});

const route = z.object({
  name: z.string(),
  from: z.string(),
  to: z.string(),
  collectives: z.array(z.string()),
  requests: passed(),
  replies: passed(),
  /** Messages to nodes; a broadcast is one. */
  targets: count(),
  /** Requests that wait for a node that was named, as far as replies come by this instance. */
  in_flight: count(),
});

const refusals = z.object({
  reason: z.string(),
  count: count(),
  at: time(),
  /** The newest first; over HTTP none: who asked what is not for everybody who may look at the metrics. */
  last: z.array(
    z.object({
      at: time(),
      stage: z.string(),
      sentence: z.string(),
      flow: z.string().optional(),
      request_id: z.string().optional(),
      sender: z.string().optional(),
      caller: z.string().optional(),
      agent: z.string().optional(),
      collective: z.string().optional(),
    }),
  ),
});

const nodes = z.object({
  egress: z.string(),
  /** Its protocol, which tells the sides apart. */
  type: z.string(),
  collective: z.string(),
  known: count(),
});

const certificate = z.object({ link: z.string(), file: z.string(), expires: time() });

const reload = z.object({
  at: time(),
  cause: z.string(),
  result: z.string(),
  problems: z.array(z.string()),
});

/**
 * How one bridge is, as `mcbridge status` and its page `/status` say it. More keys may come with later versions.
 * What replies other instances have carried it does not know.
 */
export const statusDocument = z.object({
  time: time(),
  version: z.string(),
  identity: z.string(),
  cluster: z.string(),
  instance: z.string(),
  started: time(),
  /** Seconds. */
  uptime: count(),
  health: z.object({ ready: z.boolean(), phase: z.string(), troubles: z.array(trouble) }),
  links: z.array(link),
  routes: z.array(route),
  in_flight: count(),
  /** A second. */
  rates: z.object({ requests: rate(), replies: rate(), refusals: rate() }),
  refusals: z.array(refusals),
  nodes: z.array(nodes),
  certificates: z.array(certificate),
  configuration: z.object({
    file: z.string(),
    loaded: time(),
    /** Seconds since then. */
    age: count(),
    /** The last attempt to read it anew; null: none. */
    reload: reload.nullable(),
  }),
  /** Null: no broadcasts are claimed. */
  claims: z
    .object({
      won: count(),
      lost: count(),
      unknown: count(),
      up: z.boolean(),
      /** Why nothing can be claimed now. */
      reason: z.string().optional(),
    })
    .nullable(),
});

export type StatusDocument = z.output<typeof statusDocument>;

/** For who may look at the metrics: no callers, senders and requests, and no words of the configuration. */
export const publicStatus = (status: StatusDocument): StatusDocument => ({
  ...status,
  refusals: status.refusals.map((it) => ({ ...it, last: [] })),
  configuration: {
    ...status.configuration,
    reload: status.configuration.reload && { ...status.configuration.reload, problems: [] },
  },
});
