import { Members } from '../../src/cluster/members.ts';
import type { Statement } from '../../src/cluster/statement.ts';
import type { Moment } from '../../src/cluster/timing.ts';

/** Ms between statements. */
export const INTERVAL = 1_000;
const STEP = 10;
const TICK = 100;
const EPOCH = 1_795_412_000_000;
/** Ms that an instance stays after its last request is sent, as `membership.ts` has it. */
const LAST_REQUESTS = 250;

/** What happens to the instance `who`; `length` is in ms. */
export type Incident =
  | { readonly kind: 'start' | 'crash' | 'leave'; readonly at: number; readonly who: number }
  | {
      /** `cut` from the others, `deaf` to the topic. */
      readonly kind: 'freeze' | 'cut' | 'deaf';
      readonly at: number;
      readonly who: number;
      readonly length: number;
    };

export interface Scenario {
  readonly incidents: readonly Incident[];
  readonly seed: number;
  /** Ms that the network takes for a statement, at most, each way. */
  readonly delay: number;
  /** Ms after which an instance reads a request, at most. */
  readonly lateness: number;
  /** Ms by which each clock is off, at most. */
  readonly skew: number;
  /** Ms. */
  readonly length: number;
  /** Ms between requests. */
  readonly every: number;
}

export interface Asked {
  readonly id: string;
  readonly sentAt: number;
  /** Processes that took it. */
  readonly takenBy: readonly string[];
}

interface Waiting<T> {
  readonly at: number;
  readonly what: T;
}

interface Instance {
  readonly process: string;
  readonly members: Members;
  readonly skew: number;
  /** Read statements after requests, when both wait. */
  readonly requestsFirst: boolean;
  readonly toServer: Waiting<Statement>[];
  readonly statements: Waiting<Statement>[];
  readonly requests: Waiting<{ readonly id: string; readonly time: number }>[];
  frozenUntil: number;
  cutUntil: number;
  isCut: boolean;
  deafUntil: number;
  goneAt: number;
  leaving: boolean;
}

const randomOf = (seed: number) => {
  let state = seed >>> 0;
  return (below: number): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * (below + 1));
  };
};

/** What is due, in order of arrival. */
const take = <T>(queue: Waiting<T>[], now: number): readonly T[] => {
  const end = queue.findIndex(({ at }) => at > now);
  return queue.splice(0, end === -1 ? queue.length : end).map(({ what }) => what);
};

/** One connection keeps its order. */
const put = <T>(queue: Waiting<T>[], at: number, what: T): void => {
  queue.push({ at: Math.max(at, queue.at(-1)?.at ?? 0), what });
};

/**
 * Instances, a NATS server that hands out statements in the order in which it got them, and a topic of which each
 * instance gets a copy: in steps of simulated time, all of it decided by the scenario.
 */
export const simulate = (scenario: Scenario): readonly Asked[] => {
  const { incidents, delay, lateness, skew, length, every } = scenario;
  const random = randomOf(scenario.seed);
  const instances = new Map<number, Instance>();
  const asked: { readonly id: string; readonly sentAt: number; readonly takenBy: string[] }[] = [];
  const byId = new Map<string, string[]>();
  let processes = 0;

  const momentOf = (it: Instance, now: number): Moment => ({
    steady: now + 5,
    epoch: EPOCH + now + it.skew,
  });
  const start = (who: number, now: number): void => {
    if (instances.has(who)) return;
    const process = `${who}/${++processes}`;
    const own = random(2 * skew) - skew;
    const members = new Members(
      { instance: String(who), process, interval: INTERVAL, keep: 60_000 },
      { steady: now + 5, epoch: EPOCH + now + own },
    );
    instances.set(who, {
      process,
      members,
      skew: own,
      requestsFirst: random(1) === 1,
      toServer: [],
      statements: [],
      requests: [],
      frozenUntil: 0,
      cutUntil: 0,
      isCut: false,
      deafUntil: 0,
      goneAt: Number.POSITIVE_INFINITY,
      leaving: false,
    });
  };
  const publish = (it: Instance, now: number): void => {
    if (now < it.cutUntil) return;
    put(it.toServer, now + random(delay), it.members.state(momentOf(it, now)));
  };
  const apply = (incident: Incident, now: number): void => {
    const it = instances.get(incident.who);
    if (incident.kind === 'start') start(incident.who, now);
    else if (it === undefined) return;
    else if (incident.kind === 'crash') instances.delete(incident.who);
    else if (incident.kind === 'freeze') it.frozenUntil = Math.max(it.frozenUntil, now + incident.length);
    else if (incident.kind === 'cut') {
      it.cutUntil = Math.max(it.cutUntil, now + incident.length);
      it.isCut = true;
      it.toServer.length = 0;
      it.statements.length = 0;
    } else if (incident.kind === 'deaf') {
      it.deafUntil = Math.max(it.deafUntil, now + incident.length);
      it.requests.length = 0;
    } else if (!it.leaving && now >= it.frozenUntil) {
      it.leaving = true;
      it.goneAt = it.members.leave(momentOf(it, now)) - EPOCH - it.skew + LAST_REQUESTS;
      publish(it, now);
    }
  };
  const serve = (now: number): void => {
    // A frozen process has handed its bytes to the kernel, which sends them.
    for (const it of instances.values())
      for (const statement of take(it.toServer, now))
        for (const other of instances.values())
          if (now >= other.cutUntil) put(other.statements, now + random(delay), statement);
  };
  const readRequests = (it: Instance, now: number): void => {
    for (const { id, time } of take(it.requests, now))
      if (it.members.isMine(id, time, momentOf(it, now))) byId.get(id)?.push(it.process);
  };
  const readStatements = (it: Instance, now: number): void => {
    for (const statement of take(it.statements, now)) {
      const [instance = ''] = statement.process.split('/');
      const heard = it.members.hear(instance, statement, momentOf(it, now));
      if (heard === 'own') it.members.drop(momentOf(it, now));
      if (heard === 'new') publish(it, now);
    }
  };

  const pending = incidents.toSorted((a, b) => a.at - b.at);
  for (let now = 0; now < length; now += STEP) {
    while (pending[0] !== undefined && pending[0].at <= now) {
      const next = pending.shift();
      if (next !== undefined) apply(next, now);
    }
    if (now % every === 0) {
      const time = Math.floor((EPOCH + now + random(2 * skew) - skew) / 1000);
      const id = `${scenario.seed}-${now}`;
      const takenBy: string[] = [];
      asked.push({ id, sentAt: now, takenBy });
      byId.set(id, takenBy);
      for (const it of instances.values())
        if (now >= it.deafUntil) put(it.requests, now + random(lateness), { id, time });
    }
    serve(now);
    for (const [who, it] of [...instances]) {
      if (now < it.frozenUntil) continue;
      if (it.isCut && now >= it.cutUntil) {
        it.isCut = false;
        it.members.gap(momentOf(it, now));
      }
      if (it.requestsFirst) readRequests(it, now);
      readStatements(it, now);
      readRequests(it, now);
      const moment = momentOf(it, now);
      if (now % TICK === 0) {
        const isNews = it.members.hears(now >= it.deafUntil, moment);
        if (isNews || it.members.due(moment) <= moment.steady) publish(it, now);
      }
      if (now >= it.goneAt) instances.delete(who);
    }
  }
  // What an instance reads after the end is nobody's business.
  return asked.filter(({ sentAt }) => sentAt < length - lateness - 10 * STEP);
};
