import { federationSubject, nodeSubject } from '../../adapters/choria/wire/index.ts';
import { statsSubject } from '../../adapters/choria/wire/stats.ts';
import { escapeControls } from '../terminal.ts';
import type { Probe } from './probe.ts';

/** How far an unanswered request is known to have come, and what to look at. */
export interface Findings {
  readonly reached: string;
  readonly check: readonly string[];
}

export interface ProbeContext {
  readonly node: string;
  readonly collective: string;
  /** The server that the client is connected to. */
  readonly server: string;
  /** Seconds that were waited for statistics. */
  readonly statsSeconds: number;
}

const NODE_SIDE = (node: string, collective: string): readonly string[] => [
  `is ${node} the node's identity, to the letter, and is it in the collective ${collective}?`,
  `is its daemon running and connected to its broker?`,
  `does it accept the caller (its log names those it refuses), and is its clock right?`,
  'is it behind a second bridge? A request passes one, and a second leaves it alone',
];

const straight = (probe: Probe, { node, collective, server }: ProbeContext): Findings => {
  const subject = nodeSubject(collective, node);
  if (!probe.heard)
    return {
      reached: `the server ${server}; nobody listens to ${subject}`,
      check: [
        `is ${node} the node's identity, to the letter, and is it in the collective ${collective}?`,
        'is it connected to this network? A node behind a federation needs --federation <cluster>',
      ],
    };
  return {
    reached: `whoever listens to ${subject} behind the server ${server}`,
    check: [`does ${node} accept the caller (its log names those it refuses), and is its clock right?`],
  };
};

const federated = (probe: Probe, cluster: string, around: ProbeContext): Findings => {
  const { node, collective, server, statsSeconds } = around;
  const subject = federationSubject(cluster);
  if (!probe.heard)
    return {
      reached: `the server ${server}; nobody listens to ${subject}`,
      check: [
        `is the cluster's name ${cluster} (--federation)?`,
        'is a broker of it running, and connected to this same network? Its /readyz or its log says so',
        'do the permissions of its NATS user let it subscribe there?',
      ],
    };
  const [refusal] = probe.refusals;
  if (refusal !== undefined)
    return {
      reached: `${refusal.broker}, which refuses it: ${escapeControls(refusal.message)}`,
      check: ['the cause is in that sentence; the log of that broker or node has more'],
    };
  if (probe.brokers.length > 0)
    return {
      reached: `the cluster ${cluster}: ${probe.brokers.join(', ')} ${probe.brokers.length === 1 ? 'is' : 'are'} alive`,
      check: [
        ...NODE_SIDE(node, collective),
        `what does the broker's log say of request ${probe.requestId}?`,
      ],
    };
  return {
    reached: `whoever listens to ${subject}; no statistics came on ${statsSubject(cluster)} in ${statsSeconds} s`,
    check: [
      `is it a living broker that listens there? Those that publish statistics are heard every 10 s`,
      ...NODE_SIDE(node, collective),
    ],
  };
};

export const findingsOf = (probe: Probe, around: ProbeContext): Findings =>
  probe.cluster === undefined ? straight(probe, around) : federated(probe, probe.cluster, around);
