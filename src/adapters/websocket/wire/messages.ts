import { z } from 'zod';
import { isIdentity, isToken } from '../../../envelope/check.ts';
import { FACT_OPERATORS } from '../../../envelope/filter.ts';
import type { ValueMap } from '../../../envelope/value.ts';

/** What a message of a client may hold; what the bridge's own limits say is checked where they are known. */
const MAX_LIST = 10_000;
const MAX_FILTER_LIST = 1_000;
const MAX_TEXT_CHARS = 4_096;
const MAX_CREDIT = 100_000;
const MAX_TTL_SECONDS = 24 * 3600;

const token = (what: string) =>
  z
    .string()
    .max(255)
    .refine(isToken)
    .meta({ description: `${what}: letters, digits, "_" and "-"`, pattern: '^[\\w-]+$' });

const node = () => z.string().max(255).refine(isIdentity).meta({ description: 'the identity of a node' });

const texts = (what: string) =>
  z.array(z.string().max(MAX_TEXT_CHARS)).max(MAX_FILTER_LIST).default([]).meta({ description: what });

const FACT = z.strictObject({
  fact: z.string().min(1).max(MAX_TEXT_CHARS),
  operator: z
    .string()
    .refine((it) => FACT_OPERATORS.has(it))
    .meta({ enum: [...FACT_OPERATORS] }),
  value: z.string().max(MAX_TEXT_CHARS),
});

const FILTER = z
  .strictObject({
    fact: z.array(FACT).max(MAX_FILTER_LIST).default([]),
    cf_class: texts('classes, or regular expressions of them between slashes'),
    agent: texts('agents, or regular expressions of them between slashes'),
    identity: texts('identities, or regular expressions of them between slashes'),
    compound: texts("compound filters, each an expression of go-choria's"),
  })
  .meta({ description: 'which nodes are meant; all parts of it must hold' });

/** The values of `data` are kept as they were written, so they are read by other code. */
const DATA = z
  .custom<ValueMap>((value) => value instanceof Map)
  .meta({ description: 'what the action is asked with', type: 'object' });

const collective = () => token('a collective that is reached here');
const seconds = (what: string) =>
  z
    .int()
    .min(1)
    .max(MAX_TTL_SECONDS)
    .meta({ description: `${what}, in seconds` });
const count = (most: number, what: string) => z.int().min(1).max(most).meta({ description: what });
/** That of a call, which the answer to `rpc.call` names. */
const callId = () =>
  z
    .string()
    .regex(/^[0-9a-f]{32}$/)
    .meta({ description: 'the id of a call' });

const NOTHING = z.strictObject({});

/** What is asked of whom. */
const ASKED = {
  collective: collective(),
  agent: token('an agent'),
  action: z.string().regex(/^\w+$/).max(128),
  data: DATA.optional(),
  filter: FILTER.optional(),
  targets: z
    .array(node())
    .min(1)
    .max(MAX_LIST)
    .optional()
    .meta({ description: 'the nodes that are asked, each once' }),
};

interface Targeted {
  readonly targets?: readonly string[] | undefined;
}

const namesEachOnce = ({ targets }: Targeted): boolean =>
  targets === undefined || new Set(targets).size === targets.length;
const TWICE = { message: 'targets names a node twice' };

const CALL = z
  .strictObject({
    ...ASKED,
    discover: seconds(
      'how long nodes may take to say that they are there, before those are asked',
    ).optional(),
    limit: count(MAX_LIST, 'how many of the nodes that were found are asked').optional(),
    batch: count(MAX_LIST, 'how many nodes are asked at a time').optional(),
    ttl: seconds('how long the request is worth anything; each batch has that time').default(60),
    credit: count(MAX_CREDIT, 'how many replies may come before rpc.credit gives more').default(100),
  })
  .refine(({ targets, discover }) => targets === undefined || discover === undefined, {
    message: 'give targets or discover, not both',
  })
  .refine(namesEachOnce, TWICE)
  .refine(({ limit, discover }) => limit === undefined || discover !== undefined, {
    message: 'limit is for nodes that are found: give discover',
  })
  .refine(
    ({ batch, targets, discover }) => batch === undefined || targets !== undefined || discover !== undefined,
    {
      message: 'batch is for nodes that are known: give targets or discover',
    },
  );

/** What each method of a client takes. */
export const PARAMS = {
  'session.info': NOTHING,
  'nodes.list': z.strictObject({ collective: collective() }),
  discover: z.strictObject({
    collective: collective(),
    agent: token('an agent that nodes have').optional(),
    filter: FILTER.optional(),
    timeout: seconds('how long nodes may take').default(2),
  }),
  'rpc.call': CALL,
  'rpc.explain': z.strictObject(ASKED).refine(namesEachOnce, TWICE),
  'rpc.cancel': z.strictObject({ id: callId() }),
  'rpc.credit': z.strictObject({ id: callId(), n: count(MAX_CREDIT, 'further replies that may come') }),
} as const;

export type Method = keyof typeof PARAMS;
export type ParamsOf<M extends Method> = z.output<(typeof PARAMS)[M]>;
export type FilterParams = z.output<typeof FILTER>;
export type CallParams = ParamsOf<'rpc.call'>;
export type ExplainParams = ParamsOf<'rpc.explain'>;

export const isMethod = (name: string): name is Method => Object.hasOwn(PARAMS, name);

/** The id of a request of JSON-RPC. */
export const REQUEST_ID = z.union([z.string().max(64), z.int()]);
export type RequestId = z.output<typeof REQUEST_ID>;

/** A request, or a notification where it has no id. */
export const REQUEST = z.strictObject({
  jsonrpc: z.literal('2.0'),
  id: REQUEST_ID.optional(),
  method: z.string().max(64),
  params: z.custom<object>((it) => typeof it === 'object' && it !== null && !Array.isArray(it)).optional(),
});

const names = () => z.array(node());
const number = (what: string) => z.int().min(0).meta({ description: what });

/** What each method answers with. */
export const RESULTS = {
  'session.info': z.strictObject({
    protocol: z.string(),
    caller: z
      .string()
      .refine((it) => it !== '')
      .meta({ description: 'the name that was proven' }),
    identity: z.string().meta({ description: "the bridge's name" }),
    collectives: z.array(z.string()),
    until: z.iso
      .datetime()
      .optional()
      .meta({ description: 'when what proves the name ends, and the session with it' }),
    limits: z.strictObject({
      ttl: number('seconds'),
      targets: number('nodes of one request'),
      calls: number('that may run in a session at a time'),
      message_bytes: number('of one message of a client'),
    }),
  }),
  'nodes.list': z.strictObject({ nodes: names() }),
  discover: z.strictObject({ nodes: names() }),
  'rpc.call': z.strictObject({ id: callId(), nodes: names().optional() }),
  'rpc.explain': NOTHING,
  'rpc.cancel': NOTHING,
  'rpc.credit': NOTHING,
} as const;

const ENDS = ['complete', 'ttl', 'cancelled', 'refused'] as const;
export type End = (typeof ENDS)[number];

/** What the bridge says of itself: notifications. */
export const NOTIFICATIONS = {
  'rpc.reply': z.strictObject({
    id: callId(),
    seq: number('counts the replies of the call from 1, also those that were dropped'),
    sender: node(),
    statuscode: z.int(),
    statusmsg: z.string(),
    data: z.unknown(),
  }),
  'rpc.gap': z.strictObject({ id: callId(), missed: number('replies that were dropped at this place') }),
  'rpc.done': z.strictObject({
    id: callId(),
    end: z.enum(ENDS),
    stats: z.strictObject({
      replies: number('that came, also further ones of a node'),
      nodes: number('that have answered'),
      ok: number('nodes whose first reply has statuscode 0'),
      failed: number('nodes whose first reply has another one'),
      missed: number('replies that were dropped'),
      duration_ms: number('from the request on'),
    }),
    unheard: names().optional().meta({ description: 'nodes that were asked and have not answered' }),
    error: z.string().optional().meta({ description: 'why the rest of it was refused' }),
  }),
} as const;

export type Notification = keyof typeof NOTIFICATIONS;
