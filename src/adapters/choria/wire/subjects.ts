import { createHash } from 'node:crypto';
import { shown } from '../../../codec/shown.ts';
import { isIdentity, isToken } from '../../../envelope/check.ts';
import type { Target } from '../../../envelope/message.ts';
import { Rejection } from '../../../envelope/rejection.ts';

/** Where clients of a federation send requests for the cluster, and the queue group that its brokers share it in. */
export const federationSubject = (cluster: string): string => `choria.federation.${cluster}.federation`;
export const federationGroup = (cluster: string): string => `${cluster}_federation`;

/** Where nodes send replies that a broker is to carry home. */
export const collectiveSubject = (cluster: string): string => `choria.federation.${cluster}.collective`;
export const collectiveGroup = (cluster: string): string => `${cluster}_collective`;

const FEDERATION_REPLIES = /^choria\.federation\.[^.]+\.collective$/;

/**
 * Whether a request with this reply-to was put into its collective by a Federation Broker: all of them, and only they,
 * write it (go-choria's broker/federation/request_transformer.go).
 */
export const isFromBroker = (replyTo: string): boolean => FEDERATION_REPLIES.test(replyTo);

/** All broadcasts to agents of a collective; those to services are apart, under `broadcast.service`. */
export const broadcastsSubject = (collective: string): string => `${collective}.broadcast.agent.*`;

/** All directed requests of a collective. */
export const nodesSubject = (collective: string): string => `${collective}.node.>`;

/** The queue group that bridges of a cluster share the requests of a collective's own clients in. */
export const bridgeGroup = (cluster: string): string => `${cluster}_mcbridge`;

/**
 * The same for `nodesSubject`. It has to be another: NATS gives a message to one subscription of a group, whichever
 * of their subjects it matches (measured on nats-server 2.9).
 */
export const bridgeNodesGroup = (cluster: string): string => `${cluster}_mcbridge_nodes`;

export const broadcastSubject = (collective: string, agent: string): string =>
  `${collective}.broadcast.agent.${agent}`;

export const nodeSubject = (collective: string, identity: string): string => `${collective}.node.${identity}`;

/** @param unique Ruby writes `<pid>.<sequence>`, Go the request id */
export const replySubject = (collective: string, callerId: string, unique: string): string =>
  `${collective}.reply.${createHash('md5').update(callerId).digest('hex')}.${unique}`;

/** One target of a federation header as its subject. */
export const targetSubject = (target: Target): string =>
  target.kind === 'node'
    ? nodeSubject(target.collective, target.node)
    : `${target.collective}.broadcast.${target.kind === 'service' ? 'service' : 'agent'}.${target.agent}`;

/** A subject says where something goes: more of it is worth showing than of other texts. */
const MAX_SHOWN_BYTES = 128;

const NODE = '.node.';

/** One target of a federation header. @throws Rejection `invalid_target` */
export const parseTarget = (subject: string): Target => {
  const end = subject.indexOf('.');
  const collective = end === -1 ? subject : subject.slice(0, end);
  const invalid = (why: string): Rejection =>
    new Rejection('invalid_target', `the target ${shown(subject, MAX_SHOWN_BYTES)} ${why}`);
  if (!isToken(collective)) throw invalid('does not begin with a collective');
  // Without taking it into its tokens: there are hundreds in a request.
  if (subject.startsWith(NODE, end)) {
    const node = subject.slice(end + NODE.length);
    if (!isIdentity(node)) throw invalid('does not name a node');
    return { kind: 'node', collective, node };
  }
  const [, kind, scope, agent = '', ...more] = subject.split('.');
  if (kind === 'node') throw invalid('does not name a node');
  if (kind === 'broadcast' && more.length === 0 && isToken(agent)) {
    if (scope === 'agent') return { kind: 'broadcast', collective, agent };
    if (scope === 'service') return { kind: 'service', collective, agent };
  }
  throw invalid('is neither a broadcast to an agent nor a node');
};

/** What the signed request says of where it may go. */
export interface TargetContext {
  readonly collective: string;
  readonly agent: string;
}

/**
 * The targets of a federation header.
 * @throws Rejection `too_many_targets` or `invalid_target`
 */
export const parseTargets = (
  subjects: readonly string[],
  limits: { readonly maxTargets: number },
): readonly Target[] => {
  if (subjects.length > limits.maxTargets)
    throw new Rejection(
      'too_many_targets',
      `the request has ${subjects.length} targets, more than the ${limits.maxTargets} allowed`,
    );
  return subjects.map(parseTarget);
};

/**
 * Ties a target, which is not signed, to the collective and the agent, which are.
 * @throws Rejection `collective_mismatch` or `agent_mismatch`
 */
export const tieTarget = (target: Target, { collective, agent }: TargetContext): void => {
  if (target.collective !== collective)
    throw new Rejection(
      'collective_mismatch',
      `the target ${shown(targetSubject(target))} is not in the collective ${collective} that the request is for`,
    );
  if (target.kind !== 'node' && target.agent !== agent)
    throw new Rejection(
      'agent_mismatch',
      `the target ${shown(targetSubject(target))} is not the agent ${agent} that the request is for`,
    );
};

/**
 * The targets of a federated request, tied to what its sender signed; the header itself is not signed.
 * @throws Rejection `invalid_target`, `too_many_targets`, `collective_mismatch`, `agent_mismatch`
 */
export const readTargets = (
  subjects: readonly string[],
  request: TargetContext,
  limits: { readonly maxTargets: number },
): readonly Target[] => {
  if (subjects.length === 0) throw new Rejection('invalid_target', 'the request has no targets');
  const nodes = new Set<string>();
  let broadcast = false;
  for (const target of parseTargets(subjects, limits)) {
    if (target.kind === 'service')
      throw new Rejection(
        'invalid_target',
        `the target ${shown(targetSubject(target))} is a service agent, which legacy collectives do not have`,
      );
    tieTarget(target, request);
    if (target.kind === 'node') nodes.add(target.node);
    else broadcast = true;
  }
  const { collective, agent } = request;
  if (!broadcast) return [...nodes].map((node) => ({ kind: 'node', collective, node }));
  if (nodes.size > 0)
    throw new Rejection('invalid_target', 'the targets are a broadcast and single nodes at once');
  return [{ kind: 'broadcast', collective, agent }];
};

/**
 * The reply path of what a bridge has translated, which nodes copy from the federation header of a request into that of
 * their replies. It has no listener, and no client writes this where the MD5 of its callerid belongs.
 */
export const bridgeReplySubject = (collective: string, token: string): string =>
  `${collective}.reply.mcbridge.${token}`;

const BRIDGE_REPLY = /^([\w-]+)\.reply\.mcbridge\.(.*)$/s;

/** The parts of such a reply path; undefined for any other subject. */
export const parseBridgeReply = (
  subject: string,
): { readonly collective: string; readonly token: string } | undefined => {
  const [, collective, token] = BRIDGE_REPLY.exec(subject) ?? [];
  return collective === undefined || token === undefined ? undefined : { collective, token };
};

/** Printable ASCII without NATS's wildcards; whatever a client's subject holds, nothing can end the protocol line. */
const SUBJECT_TOKEN = /^[!-)+-=?-~]+$/;
const MAX_SUBJECT_CHARS = 512;

/**
 * The collective that a reply subject `<collective>.reply.…` belongs to.
 * @throws Rejection `invalid_reply_to`
 */
export const parseReplySubject = (subject: string): { readonly collective: string } => {
  const [collective = '', kind, ...rest] = subject.length > MAX_SUBJECT_CHARS ? [] : subject.split('.');
  if (!isToken(collective) || kind !== 'reply' || rest.length === 0)
    throw new Rejection(
      'invalid_reply_to',
      `${shown(subject, MAX_SHOWN_BYTES)} is not a reply subject of a collective`,
    );
  if (!rest.every((token) => SUBJECT_TOKEN.test(token)))
    throw new Rejection(
      'invalid_reply_to',
      `the reply subject ${shown(subject, MAX_SHOWN_BYTES)} has wildcards, spaces or empty parts`,
    );
  return { collective };
};
