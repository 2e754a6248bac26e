import type { Egress, Ingress, ReplySink, RequestSink } from '../../src/adapter/port.ts';
import { Bridge, type BridgeOptions } from '../../src/bridge/bridge.ts';
import { LogObserver } from '../../src/bridge/log-observer.ts';
import type { About, Refusal, Step } from '../../src/bridge/observer.ts';
import type { Reply, Request } from '../../src/envelope/message.ts';
import { BRIDGE, type LogLine, recordingLog } from '../adapter/world.ts';

export interface StageOptions extends Partial<BridgeOptions> {
  readonly egress?: Partial<Egress>;
}

/** A bridge between two sides that do as they are told, and all that it tells. */
export const startedStage = async ({ egress, ...options }: StageOptions = {}) => {
  const clock = { now: 1_800_000_000_000 };
  const delivered: Request[] = [];
  const home: Reply[] = [];
  const steps: { readonly step: Step; readonly about: About }[] = [];
  const refusals: Refusal[] = [];
  const lines: LogLine[] = [];
  let requests: RequestSink | undefined;
  let replies: ReplySink | undefined;
  const side = {
    drain: async () => undefined,
    close: async () => undefined,
    status: () => ({ name: 'side', up: true }),
  };
  const from: Ingress = {
    ...side,
    name: 'federation',
    accepts: ['rpc', 'discovery', 'opaque'],
    start: async (sink) => {
      requests = sink;
    },
    reply: (reply) => void home.push(reply),
  };
  const to: Egress = {
    ...side,
    name: 'nodes',
    accepts: ['rpc', 'discovery', 'opaque'],
    start: async (sink) => {
      replies = sink;
    },
    deliver: async (request) => void delivered.push(request),
    ...egress,
  };
  const rule = { match: { kind: 'regex', pattern: /.*=(.*)/ }, to: 'cert=$1', privileged: false } as const;
  const bridge = new Bridge({
    identity: BRIDGE,
    cluster: 'prod',
    instance: '1',
    routes: [
      {
        from,
        to,
        collectives: new Set(['mcollective']),
        identities: { rules: [rule], privileged: [] },
        carries: ['rpc', 'discovery', 'opaque'],
      },
    ],
    observers: [
      new LogObserver({ log: recordingLog(lines), clock: () => clock.now }),
      {
        step: (step, _, about) => void steps.push({ step, about: about() }),
        refused: (refusal) => void refusals.push(refusal),
      },
    ],
    clock: () => clock.now,
    drainTimeout: 0,
    ...options,
  });
  await bridge.start();
  if (requests === undefined || replies === undefined)
    throw new Error('the bridge has not started its sides');
  return { bridge, clock, delivered, home, steps, refusals, lines, requests, replies };
};
