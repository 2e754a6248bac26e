import { createHash, X509Certificate } from 'node:crypto';
import { admit } from './choria-admission.ts';
import type { NodeState } from './choria-agent.ts';
import { type Outcome, runAction } from './choria-agents.ts';
import { hopsOf, must, objectOf, payloadOf, Refused, textOf } from './choria-checks.ts';
import { type Filtered, fits } from './choria-filter.ts';
import type { Dialect, Json } from './choria-messages.ts';
import { toJson } from './choria-messages.ts';
import { type RubySecurity, rubyTrust } from './choria-ruby-security.ts';

// For nodes of protocol 2.
export { bytesOf, hopsOf, listOf, must, objectOf, Refused, textOf } from './choria-checks.ts';
export { fits } from './choria-filter.ts';

export interface NodeOptions extends Filtered {
  readonly dialect: Dialect;
  /** Of a node of Ruby; 0.19 without a request signer unless told. */
  readonly ruby?: RubySecurity;
  /** PEM text of the CA that vouches for callers. */
  readonly ca: string;
  /** The first is the main one. */
  readonly collectives?: readonly string[];
  /**
   * Whether a Go node records its hop unasked, as go-choria's `Connection.Publish` always does. Not by default: most
   * clients of the tests check that nobody records what they did not ask for.
   */
  readonly recordsAlways?: boolean;
}

/** What a node makes of one message. */
export interface Handled {
  readonly requestId: string;
  readonly caller: string;
  readonly collective: string;
  readonly agent: string;
  readonly headers: Json;
  readonly hops: readonly (readonly string[])[] | undefined;
  /** The RPC action that it ran because of it. */
  readonly action?: string;
  /** Undefined where the filter does not fit, and where no reply is wanted. */
  readonly reply: { readonly subject: string; readonly payload: string } | undefined;
}

export interface ChoriaNode {
  readonly identity: string;
  /**
   * @param server the URL of the node's own connection, for its hop
   * @param now ms since the epoch
   * @throws Refused
   */
  handle(payload: string, server: string, now: number): Handled;
}

const bodyOf = (dialect: Dialect, action: string, { statuscode, statusmsg, data }: Outcome): string => {
  const body = { statuscode, statusmsg, data };
  return toJson(dialect === 'go' ? { action, ...body } : body, dialect);
};

const stateOf = (
  options: Omit<NodeOptions, 'ca'>,
  stats: NodeState['stats'],
  startTime: number,
): NodeState => ({
  identity: options.identity,
  dialect: options.dialect,
  agents: options.agents,
  facts: options.facts ?? {},
  classes: options.classes ?? [],
  data: options.data ?? {},
  collectives: options.collectives ?? [],
  stats,
  startTime,
});

/** What a node that knows nothing of itself answers to an action of rpcutil. */
export const rpcReply = (dialect: Dialect, action: string, now: number): string =>
  bodyOf(
    dialect,
    action,
    runAction('rpcutil', action, {}, stateOf({ identity: '', dialect, agents: [] }, {}, 0), now),
  );

/** What Ruby's security plugin makes of a body: JSON where it is some, else the text. */
const rubyBody = (message: string): unknown => {
  try {
    return JSON.parse(message);
  } catch {
    return message;
  }
};

/**
 * Ruby's agent wants the very word, and answers with a sentence to whatever else; go-choria takes any body that contains it,
 * in base64 or bare, and says nothing to others.
 */
const discoveryReply = (dialect: Dialect, message: string): string => {
  if (dialect === 'ruby') {
    const asked = rubyBody(message);
    return JSON.stringify(asked === 'ping' ? 'pong' : `Unknown Request: ${asked}`);
  }
  must(payloadOf(message).includes('ping'), `discovery asks ${message}`);
  return 'pong';
};

/** The federation header and the hops of a reply, as the dialect copies them from the request. */
const copiedHeaders = (
  options: NodeOptions,
  headers: Json,
  server: string,
): { readonly 'seen-by'?: unknown; readonly federation?: Json } => {
  const { identity, dialect } = options;
  const hops = hopsOf(headers['seen-by']);
  const own = [server, identity, server];
  const federation =
    headers['federation'] === undefined ? undefined : objectOf(headers['federation'], 'federation');
  // Ruby copies the header as it is, and records its hop where somebody asks for hops.
  if (dialect === 'ruby')
    return { ...(hops && { 'seen-by': [...hops, own] }), ...(federation && { federation }) };
  // Go copies the fields that it knows, and the hops of a federated request only.
  const trail =
    hops === undefined && options.recordsAlways !== true
      ? {}
      : { 'seen-by': [...(federation === undefined ? [] : (hops ?? [])), own] };
  if (federation === undefined) return trail;
  const { req, 'reply-to': replyTo, target } = federation;
  const known = Object.entries({ req, 'reply-to': replyTo, target }).filter(
    ([, value]) => value !== undefined && value !== '' && !(Array.isArray(value) && value.length === 0),
  );
  return { ...trail, federation: Object.fromEntries(known) };
};

/**
 * A node that speaks protocol 1 as the recorded ones do, and is as strict with requests as go-choria's
 * `secureRequest.Valid` and `filesec`. Has the agents discovery, rpcutil and echo.
 */
export const createChoriaNode = (options: NodeOptions): ChoriaNode => {
  const { identity, dialect } = options;
  const ca = new X509Certificate(options.ca);
  const trust = dialect === 'ruby' ? rubyTrust(options.ruby) : undefined;
  const stats = { total: 0, validated: 0, unvalidated: 0, passed: 0, filtered: 0, replies: 0, ttlexpired: 0 };
  const state = stateOf(options, stats, Math.floor(Date.now() / 1000));
  const base64 = (bytes: Buffer): string => {
    const text = bytes.toString('base64');
    return dialect === 'go' ? text : text.replace(/.{1,60}/g, '$&\n');
  };

  const believe = (transport: Json, now: number): ReturnType<typeof admit> => {
    try {
      return admit(transport, ca, trust, now);
    } catch (error) {
      stats.unvalidated += 1;
      throw error;
    }
  };

  /** @returns no body where no reply is wanted; the action that ran, if one did */
  const answer = (
    agent: string,
    message: string,
    now: number,
  ): { readonly body?: string; readonly action?: string } => {
    if (agent === 'discovery') return { body: discoveryReply(dialect, message) };
    const {
      action,
      agent: asked,
      data = {},
    } = objectOf(JSON.parse(dialect === 'go' ? payloadOf(message) : message), 'body');
    must(asked === agent, 'the agent of the body');
    const name = textOf(action, 'action');
    const inputs = objectOf(data, 'data');
    const outcome = runAction(agent, name, inputs, state, now);
    // Only Ruby's agents heed it: go-choria's RPC layer always answers.
    const isWanted = dialect === 'go' || (inputs['process_results'] ?? true) === true;
    return {
      ...(isWanted && { body: bodyOf(dialect, name, outcome) }),
      ...(outcome.ran && { action: name }),
    };
  };

  const secureReply = (requestId: string, agent: string, body: string, clock: number): Buffer => {
    const envelope =
      dialect === 'ruby'
        ? { senderid: identity, requestid: requestId, agent, time: clock }
        : { requestid: requestId, senderid: identity, agent, time: clock };
    const message = toJson({ protocol: 'choria:reply:1', message: body, envelope }, dialect);
    const hash = createHash('sha256').update(message).digest('base64');
    return Buffer.from(toJson({ protocol: 'choria:secure:reply:1', message, hash }, dialect));
  };

  const handle = (payload: string, server: string, now: number): Handled => {
    stats.total += 1;
    const transport = objectOf(JSON.parse(payload), 'transport');
    must(transport['protocol'] === 'choria:transport:1', 'protocol of the transport');
    const headers = objectOf(transport['headers'], 'headers');
    const { requestId, caller, collective, agent, ttl, time, filter, message } = believe(transport, now);
    if (options.collectives !== undefined)
      must(options.collectives.includes(collective), `not of the collective ${collective}`);
    must(options.agents.includes(agent), `no agent ${agent}`);
    const handled = { requestId, caller, agent, collective, headers, hops: hopsOf(headers['seen-by']) };
    if (!fits(filter, options, dialect)) {
      stats.filtered += 1;
      return { ...handled, reply: undefined };
    }
    stats.passed += 1;
    const clock = Math.floor(now / 1000);
    if (!(time > clock - ttl && time < clock + ttl)) {
      stats.ttlexpired += 1;
      throw new Refused('expired');
    }
    stats.validated += 1;
    const { body, action } = answer(agent, message, now);
    const ran = action === undefined ? {} : { action };
    if (body === undefined) return { ...handled, ...ran, reply: undefined };
    stats.replies += 1;
    const data = base64(secureReply(requestId, agent, body, clock));
    const answered = {
      protocol: 'choria:transport:1',
      data,
      headers: { mc_sender: identity, ...copiedHeaders(options, headers, server) },
    };
    return {
      ...handled,
      ...ran,
      reply: { subject: textOf(headers['reply-to'], 'reply-to'), payload: toJson(answered, dialect) },
    };
  };

  return { identity, handle };
};
