import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { NO_REDACTION } from '../../src/audit/redaction.ts';
import type { Decided, Decision } from '../../src/envelope/decision.ts';
import type { ReadableRequest } from '../../src/envelope/message.ts';
import type { Value } from '../../src/envelope/value.ts';
import type { PageLogin, Refused } from '../../src/page/door.ts';
import { Feed, type FeedTimes } from '../../src/page/feed.ts';
import { History } from '../../src/page/history.ts';
import { Latencies } from '../../src/page/latencies.ts';
import { startPage } from '../../src/page/server.ts';
import type { PageState } from '../../src/page/state.ts';
import type { StreamLimits } from '../../src/page/streams.ts';
import { Trail, type TrailOptions } from '../../src/page/trail.ts';
import type { Console } from '../../src/setup/consoles.ts';
import { requestAt } from '../../src/testing/egress-contract.ts';
import { makeFolder } from '../audit/world.ts';

export const START = 1_800_000_000_000;
export const ROUTE = { from: 'federation', to: 'legacy', name: 'federation → legacy' } as const;

export const flowOf = (number: number): string => number.toString(16).padStart(32, '0');

export const asking = (number: number, given: Partial<ReadableRequest> = {}): ReadableRequest => {
  const request = requestAt(START / 1000, { caller: 'choria=alice.mcollective', ...given });
  return { ...request, home: { ...request.home, flow: flowOf(number), expires: START + 60_000 } };
};

export const withInputs = (data: Readonly<Record<string, Value>>): Partial<ReadableRequest> => ({
  payload: { kind: 'rpc', action: 'status', data: new Map(Object.entries(data)) },
});

export const decidedOn = (request: ReadableRequest, decision: Decision = { verdict: 'allow' }): Decided => ({
  request,
  outgoing: { ...request, caller: 'cert=alice' },
  routeId: ROUTE,
  decision,
});

export const makeTrail = (given: Partial<TrailOptions> = {}) => {
  const clock = { now: START };
  const trail = new Trail({
    describe: () => ({ redaction: NO_REDACTION, names: 20 }),
    clock: () => clock.now,
    ...given,
  });
  const answer = (number: number, node: string, result: 'ok' | 'failed' | 'refused' = 'ok'): void =>
    trail.audit.answered({
      ...{ flow: flowOf(number), requestId: '', expires: START + 60_000, route: ROUTE },
      ...{ node, result },
    });
  return { clock, trail, answer };
};

/** As little of a front end as can be served. */
const makeFrontEnd = (): string => {
  const folder = makeFolder();
  writeFileSync(join(folder, 'index.html'), '<p>the page</p>');
  writeFileSync(join(folder, 'app.js'), 'export {};');
  writeFileSync(join(folder, 'secret.pem'), 'not for the page');
  return folder;
};

const STATE = { status: { health: { ready: true } }, passed: [], latencies: [] };

/** A page that is served, of a trail that a test fills. */
export const servePage = async (
  given: {
    limits?: StreamLimits;
    times?: FeedTimes;
    state?: object;
    consoles?: readonly Console[];
    login?: PageLogin;
    clock?: () => number;
  } = {},
) => {
  const { trail, answer } = makeTrail();
  const { limits, times = { trail: 5, state: 5, sample: 3_600_000 }, state = STATE, consoles = [] } = given;
  const { login, clock = Date.now } = given;
  const feed = new Feed({
    trail,
    history: new History(() => ({ requests: 0, replies: 0, refusals: 0 }), new Latencies(Date.now)),
    // What the front end makes of it is tested there.
    state: () => state as PageState,
    clock: Date.now,
    times,
    ...(limits !== undefined && { limits }),
  });
  const doors = { consoles };
  const errors: unknown[] = [];
  const refused: Refused[] = [];
  const viewers: string[] = [];
  const server = await startPage({
    ...{ host: '127.0.0.1', port: 0, feed, who: { cluster: 'prod', instance: 'one' } },
    folder: makeFrontEnd(),
    ...{ login, clock },
    consoles: () => doors.consoles,
    onRefused: (one) => void refused.push(one),
    onViewer: ({ caller }) => void viewers.push(caller),
    onError: (error) => void errors.push(error),
  });
  feed.start();
  onTestFinished(async () => {
    feed.stop();
    await server.close();
  });
  return {
    ...server,
    port: Number(new URL(server.url).port),
    trail,
    feed,
    answer,
    errors,
    doors,
    refused,
    viewers,
  };
};
