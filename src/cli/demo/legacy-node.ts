import type { KeyObject } from 'node:crypto';
import {
  broadcastDestination,
  directedDestination,
  messageHeaders,
} from '../../adapters/mcollective/wire/addressing.ts';
import { encodeReply } from '../../adapters/mcollective/wire/reply.ts';
import { decodeRequest, type LegacyRequest, verifyRequest } from '../../adapters/mcollective/wire/request.ts';
import type { Serializer } from '../../adapters/mcollective/wire/serializer.ts';
import type { Filter } from '../../envelope/filter.ts';
import type { ReplyPayload, RequestPayload } from '../../envelope/message.ts';
import type { Value } from '../../envelope/value.ts';
import type { IncomingMessage, Link } from '../../transport/link.ts';

export interface LegacyNodeOptions {
  readonly identity: string;
  readonly collective: string;
  readonly facts: ReadonlyMap<string, string>;
  readonly classes: readonly string[];
  readonly link: Link;
  readonly serializer: Serializer;
  /** Key that all nodes share, as the SSL plugin has it. */
  readonly serverKey: KeyObject;
  /** The callers' public keys, by caller id. */
  readonly callers: ReadonlyMap<string, KeyObject>;
  readonly clock: () => number;
}

const AGENTS = ['discovery', 'rpcutil'];

/**
 * A legacy node inside this process for `mcbridge demo`: verifies, filters and signs as mcollectived does, and has
 * the agents `discovery` and `rpcutil` (ping, inventory, get_fact).
 */
export const startLegacyNode = async (options: LegacyNodeOptions): Promise<void> => {
  const { collective, identity, link } = options;
  const onMessage = (message: IncomingMessage): void => void answer(message, options);
  for (const agent of AGENTS)
    await link.subscribe({ destination: broadcastDestination(collective, agent, false), onMessage });
  await link.subscribe({
    destination: directedDestination(collective),
    headers: { selector: `mc_identity = '${identity}'` },
    onMessage,
  });
  await link.open();
};

const answer = async (message: IncomingMessage, options: LegacyNodeOptions): Promise<void> => {
  const { callers, clock, identity, link, serializer, serverKey } = options;
  const signed = decodeRequest(message.body, serializer);
  const key = callers.get(signed.callerId);
  // As a daemon does: it does not answer strangers.
  if (key === undefined || message.replyTo === undefined) return;
  const request = verifyRequest(signed, key, serializer);
  const seconds = Math.floor(clock() / 1000);
  if (seconds - request.time > request.ttl || !matches(request.filter, options)) return;
  const body = await encodeReply(
    {
      senderId: identity,
      requestId: request.requestId,
      agent: request.agent,
      time: seconds,
      payload: perform(request, options),
    },
    serverKey,
    serializer,
  );
  const headers = messageHeaders(clock(), request.ttl, { identity, priority: 0 });
  link.send({ destination: message.replyTo, headers, body, expires: clock() + request.ttl * 1000 });
};

const matches = (filter: Filter, { identity, facts, classes }: LegacyNodeOptions): boolean =>
  filter.fact.every(({ fact, operator, value }) => operator === '==' && facts.get(fact) === value) &&
  filter.cfClass.every((name) => classes.includes(name)) &&
  filter.agent.every((agent) => AGENTS.includes(agent)) &&
  (filter.identity.length === 0 || filter.identity.includes(identity)) &&
  filter.compound.length === 0;

const perform = ({ payload }: LegacyRequest, options: LegacyNodeOptions): ReplyPayload => {
  if (payload.kind === 'discovery') return { kind: 'discovery' };
  const data = rpcutil(payload, options);
  if (data === undefined) {
    return {
      kind: 'rpc',
      statusCode: 2,
      statusMessage: `Unknown action '${payload.action}' for agent 'rpcutil'`,
      data: new Map(),
    };
  }
  return { kind: 'rpc', statusCode: 0, statusMessage: 'OK', data: new Map(data) };
};

const rpcutil = (
  { action, data }: Extract<RequestPayload, { kind: 'rpc' }>,
  { facts, classes, collective, clock }: LegacyNodeOptions,
): readonly (readonly [string, Value])[] | undefined => {
  switch (action) {
    case 'ping':
      return [['pong', Math.floor(clock() / 1000)]];
    case 'get_fact': {
      const fact = data.get('fact');
      return [
        ['fact', fact ?? null],
        ['value', typeof fact === 'string' ? (facts.get(fact) ?? null) : null],
      ];
    }
    case 'inventory':
      return [
        ['agents', AGENTS],
        ['facts', facts],
        ['classes', classes],
        ['version', '2.12.5'],
        ['main_collective', collective],
        ['collectives', [collective]],
      ];
    default:
      return undefined;
  }
};
