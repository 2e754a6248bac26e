import { Bridge, type BridgeOptions } from '../../src/bridge/bridge.ts';
import { LogObserver } from '../../src/bridge/log-observer.ts';
import type { Audit } from '../../src/envelope/audit.ts';
import type { Policy } from '../../src/envelope/decision.ts';
import { type ReadableReply, type Reply, type Request, readableReply } from '../../src/envelope/message.ts';
import type { About, BridgeObserver, Refusal, Step } from '../../src/envelope/observer.ts';
import type { Egress, Ingress, ReplySink, RequestSink } from '../../src/envelope/port.ts';
import type { Rejection } from '../../src/envelope/rejection.ts';
import { BRIDGE, type LogLine, recordingLog } from '../adapters/world.ts';

export interface StageOptions extends Partial<Omit<BridgeOptions, 'observers'>> {
  /** In place of what does as it is told. */
  readonly ingress?: Partial<Ingress>;
  readonly egress?: Partial<Egress>;
  /** Of ingresses that lead to the same egress; `federation` alone unless given. */
  readonly names?: readonly string[];
  /** What the ingress says to replies. */
  readonly refuses?: (reply: ReadableReply) => Rejection | undefined;
  readonly observer?: Partial<BridgeObserver>;
  readonly policy?: Pick<Policy, 'decide'> & Partial<Policy>;
  /** An audit that does no more than this. */
  readonly record?: Audit['record'];
}

const noAudit = (record: Audit['record']): Audit => ({
  record,
  refused: () => undefined,
  unsent: () => undefined,
  answered: () => undefined,
});

const ALL = ['rpc', 'discovery', 'opaque'] as const;
const RULE = { match: { kind: 'regex', pattern: /.*=(.*)/ }, to: 'cert=$1', privileged: false } as const;

const unasked = (): never => {
  throw new Error('nobody wants to know beforehand');
};

/** A bridge between two sides that do as they are told, and all that it tells. */
export const startedStage = async (given: StageOptions = {}) => {
  const { ingress, egress, names = ['federation'], refuses, observer, policy, record, ...options } = given;
  const clock = { now: 1_800_000_000_000 };
  const { clock: now = () => clock.now } = options;
  const delivered: Request[] = [];
  const home: Reply[] = [];
  const steps: { readonly step: Step; readonly about: About }[] = [];
  const refusals: Refusal[] = [];
  const lines: LogLine[] = [];
  const sinks = new Map<string, RequestSink>();
  let replies: ReplySink | undefined;
  const side = {
    drain: async () => undefined,
    close: async () => undefined,
    status: () => ({ name: 'side', up: true }),
  };
  const from = (name: string): Ingress => ({
    ...side,
    name,
    accepts: ALL,
    reply: (reply) => {
      const rejection = refuses?.(readableReply(reply));
      if (rejection !== undefined) throw rejection;
      home.push(reply);
    },
    ...ingress,
    start: async (sink) => {
      sinks.set(name, sink);
      await ingress?.start?.(sink);
    },
  });
  const to: Egress = {
    ...side,
    name: 'nodes',
    accepts: ALL,
    start: async (sink) => {
      replies = sink;
    },
    deliver: async (request) => void delivered.push(request),
    ...egress,
  };
  const bridge = new Bridge({
    identity: BRIDGE,
    cluster: 'prod',
    instance: '1',
    routes: names.map(from).map((from) => ({
      from,
      to,
      collectives: new Set(['mcollective']),
      identities: { rules: [RULE], privileged: [] },
      carries: from.accepts,
      ...(policy !== undefined && { policy: { foresee: unasked, ...policy } }),
    })),
    observers: [
      new LogObserver({ log: recordingLog(lines), clock: now }),
      {
        step: (step, _, about) => void steps.push({ step, about: about() }),
        refused: (refusal) => void refusals.push(refusal),
      },
      ...(observer === undefined ? [] : [observer]),
    ],
    drainTimeout: 0,
    ...(record !== undefined && { audit: () => noAudit(record) }),
    ...options,
    clock: now,
  });
  await bridge.start();
  const sinkOf = (name: string): RequestSink => {
    const sink = sinks.get(name);
    if (sink === undefined) throw new Error(`the bridge has not started ${name}`);
    return sink;
  };
  if (replies === undefined) throw new Error('the bridge has not started its egress');
  const [first = ''] = names;
  return { bridge, clock, delivered, home, steps, refusals, lines, sinkOf, requests: sinkOf(first), replies };
};
