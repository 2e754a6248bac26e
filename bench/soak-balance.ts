import { SOAK_TARGETS } from './soak-roles.ts';

/** A server that was killed, in ms since the epoch. */
export interface Outage {
  readonly server: 'federation' | 'collective';
  readonly from: number;
  /** When the bridge was ready again. */
  readonly to: number;
}

/** What each participant has counted, each by itself. */
export interface Accounts {
  /** The client: when it sent each request, and how many replies to it came home. */
  readonly at: readonly number[];
  readonly home: readonly number[];
  readonly homeTwice: number;
  /** Requests whose time ran out before the client could send them. */
  readonly clientExpired: number;
  /** The nodes: how many of them got each request. */
  readonly delivered: readonly number[];
  readonly deliveredTwice: number;
  /** The bridge. */
  readonly received: number;
  readonly requestsSent: number;
  readonly targetsSent: number;
  readonly expired: number;
  readonly rejected: ReadonlyMap<string, number>;
  readonly outages: readonly Outage[];
  /** Requests a second. */
  readonly pace: number;
}

export interface Line {
  readonly label: string;
  readonly count: number;
}

export interface Balance {
  readonly lines: readonly Line[];
  /** What does not add up; empty when all does. */
  readonly faults: readonly string[];
}

/** Before the kill: what was under way then. After the bridge is ready: what came before all had subscribed. */
const SLACK = 1_000;
/** What may be lost at one kill: what was sent in so many seconds. */
const LOSS_SECONDS = 1;

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** Every request to every node: delivered, expired, rejected, or lost on the wire at a kill. */
export const balance = (accounts: Accounts): Balance => {
  const { at, delivered, home, outages, pace, rejected } = accounts;
  const sent = at.length * SOAK_TARGETS;
  const arrived = sum(delivered);
  const refused = sum([...rejected.values()]);
  const overloaded = (rejected.get('overloaded') ?? 0) * SOAK_TARGETS;
  const clientExpired = accounts.clientExpired * SOAK_TARGETS;
  const lostBefore = (at.length - accounts.clientExpired - accounts.received) * SOAK_TARGETS;
  const lostAfter = accounts.targetsSent - arrived - accounts.expired;
  const lost = lostBefore + lostAfter;

  const missing = at.map((_, n) => SOAK_TARGETS - (delivered[n] ?? 0));
  const isNear = (time: number): boolean =>
    outages.some(({ from, to }) => time >= from - SLACK && time <= to + SLACK);
  const far = (lacks: readonly number[]): number => sum(lacks.filter((_, n) => !isNear(at[n] ?? 0)));
  const unexplained = far(missing);
  const unanswered = far(at.map((_, n) => (delivered[n] ?? 0) - (home[n] ?? 0)));
  const bound = Math.ceil(outages.length * LOSS_SECONDS * pace * SOAK_TARGETS);
  const kills = (server: Outage['server']): number => outages.filter((one) => one.server === server).length;

  const faults = [
    [accounts.received !== accounts.requestsSent + refused, 'received is not sent on + rejected'],
    [accounts.targetsSent !== accounts.requestsSent * SOAK_TARGETS, 'targets are not requests times targets'],
    [lostBefore < 0 || lostAfter < 0, 'more came out than went in'],
    [
      lostBefore > 0 && kills('federation') === 0,
      'requests were lost before the bridge without a kill there',
    ],
    [lostAfter > 0 && kills('collective') === 0, 'requests were lost after the bridge without a kill there'],
    [lost > bound, `more was lost on the wire than the ${bound} of ${LOSS_SECONDS} s of traffic a kill`],
    [unexplained > 0, 'requests were lost while no server was down'],
    [unanswered > 0, 'replies were lost while no server was down'],
    [accounts.deliveredTwice + accounts.homeTwice > 0, 'something came twice'],
    [
      arrived + accounts.expired + clientExpired + refused * SOAK_TARGETS + lost !== sent,
      'delivered + expired + rejected + lost at the kills is not sent',
    ],
  ] as const;
  return {
    lines: [
      { label: `sent, ${at.length} requests of ${SOAK_TARGETS} targets`, count: sent },
      { label: 'delivered', count: arrived },
      { label: 'expired in the bridge', count: accounts.expired },
      { label: 'expired in the client', count: clientExpired },
      { label: 'rejected: overloaded', count: overloaded },
      { label: 'rejected otherwise', count: refused * SOAK_TARGETS - overloaded },
      { label: `lost on the wire before the bridge (${kills('federation')} kills)`, count: lostBefore },
      { label: `lost on the wire after the bridge (${kills('collective')} kills)`, count: lostAfter },
      { label: 'undelivered while no server was down', count: unexplained },
      { label: 'delivered twice', count: accounts.deliveredTwice },
      { label: 'replies home', count: sum(home) },
      { label: 'replies lost at the kills', count: arrived - sum(home) - unanswered },
      { label: 'replies lost while no server was down', count: unanswered },
    ],
    faults: faults.filter(([isWrong]) => isWrong).map(([, what]) => what),
  };
};
