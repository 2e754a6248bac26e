import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Rejection } from '../../src/envelope/rejection.ts';
import { DiscoveryScheduler, type DiscoveryTarget } from '../../src/nodes/discovery-scheduler.ts';
import { Inventory } from '../../src/nodes/inventory.ts';
import { type LogLine, recordingLog } from '../adapters/world.ts';

const START = 1_800_000_000_000;
const MINUTE = 60_000;

/** An egress that records what it is asked. */
class AskedEgress {
  readonly name = 'legacy';
  up = true;
  failure: Error | undefined;
  /** Who answers at once. */
  nodes: readonly string[] = ['n1'];
  readonly asked: {
    readonly at: number;
    readonly collective: string;
    readonly found: (node: string) => void;
  }[] = [];

  readonly discover = async (collective: string, found: (node: string) => void): Promise<void> => {
    this.asked.push({ at: Date.now() - START, collective, found });
    if (this.failure !== undefined) throw this.failure;
    for (const node of this.nodes) found(node);
  };

  status() {
    return { name: this.name, up: this.up, ...(this.up ? {} : { reason: 'connection refused' }) };
  }
}

describe('the survey', () => {
  let egress: AskedEgress;
  let inventory: Inventory;
  let lines: LogLine[];
  let scheduler: DiscoveryScheduler;
  let random: number;
  const make = (more: Partial<DiscoveryTarget> = {}): void => {
    scheduler = new DiscoveryScheduler({
      inventory,
      targets: [{ egress, collectives: ['mcollective'], every: MINUTE, ...more }],
      log: recordingLog(lines),
      clock: Date.now,
      random: () => random,
    });
  };
  const times = (): readonly number[] => egress.asked.map(({ at }) => at);
  const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

  beforeEach(() => {
    vi.useFakeTimers({ now: START });
    random = 0.5;
    lines = [];
    egress = new AskedEgress();
    inventory = new Inventory({ clock: Date.now, log: recordingLog(lines), expire: () => 3 * MINUTE });
    make();
  });
  afterEach(() => {
    scheduler.stop();
    vi.useRealTimers();
  });

  it('asks every collective at its start, and again after the interval', async () => {
    make({ collectives: ['mcollective', 'uk'] });
    scheduler.start();
    await pass(2 * MINUTE);
    expect(egress.asked.map(({ at, collective }) => [at, collective])).toEqual([
      [0, 'mcollective'],
      [0, 'uk'],
      [MINUTE, 'mcollective'],
      [MINUTE, 'uk'],
      [2 * MINUTE, 'mcollective'],
      [2 * MINUTE, 'uk'],
    ]);
    expect(inventory.records('legacy', 'uk')).toEqual([
      { identity: 'n1', seen: START + 2 * MINUTE, by: 'discovery' },
    ]);
    expect(scheduler.progress('legacy')).toEqual({ asked: START + 2 * MINUTE, error: undefined });
  });

  it.each([
    [0, 0.9 * MINUTE],
    [1, 1.1 * MINUTE],
  ])('varies the interval, so that instances spread: %d', async (part, interval) => {
    random = part;
    scheduler.start();
    await pass(1.5 * MINUTE);
    expect(times()).toEqual([0, interval]);
  });

  it('forgets who no longer answers', async () => {
    scheduler.start();
    await pass(0);
    expect(inventory.size).toBe(1);
    egress.nodes = [];
    await pass(3 * MINUTE - 5_000);
    expect(inventory.size).toBe(1);
    await pass(10_000);
    expect(inventory.size).toBe(0);
  });

  describe('of a side that a node has left for another', () => {
    const learned = (): readonly string[] => [...inventory.learned('legacy', 'mcollective')];
    beforeEach(async () => {
      inventory = new Inventory({
        clock: Date.now,
        log: recordingLog(lines),
        expire: () => 60 * MINUTE,
        peerEgresses: new Map([['legacy', new Set(['choria'])]]),
      });
      make();
      scheduler.start();
      await pass(10_000);
      inventory.observe('choria', 'mcollective', 'n1', 'discovery');
      egress.nodes = [];
    });

    it('forgets it when it has not answered the next question within five seconds', async () => {
      await pass(MINUTE - 10_000 + 4_999);
      expect(learned()).toEqual(['n1']);
      await pass(1);
      expect(learned()).toEqual([]);
    });

    it('keeps it where it is only late', async () => {
      await pass(MINUTE - 10_000 + 4_000);
      egress.asked.at(-1)?.found('n1');
      await pass(50_000);
      expect(learned()).toEqual(['n1']);
    });

    it('keeps it where the connection may have lost the answer', async () => {
      await pass(MINUTE - 10_000 + 1_000);
      egress.up = false;
      await pass(4_500);
      egress.up = true;
      await pass(30_000);
      expect(learned()).toEqual(['n1']);
    });
  });

  it('takes in late answers, but none after its end', async () => {
    egress.nodes = [];
    scheduler.start();
    await pass(30_000);
    const found = egress.asked[0]?.found;
    found?.('late');
    expect([...inventory.learned('legacy', 'mcollective')]).toEqual(['late']);
    scheduler.stop();
    found?.('later');
    await pass(10 * MINUTE);
    expect([inventory.size, times()]).toEqual([1, [0]]);
  });

  it('waits for the connection, and asks as soon as it is there', async () => {
    egress.up = false;
    scheduler.start();
    await pass(10_000);
    expect([times(), lines]).toEqual([[], []]);
    expect(scheduler.progress('legacy')).toEqual({
      asked: undefined,
      error: 'legacy is not connected: connection refused',
    });
    egress.up = true;
    await pass(50);
    expect(times()).toEqual([10_050]);
    expect(scheduler.progress('legacy')?.error).toBeUndefined();
  });

  it('asks again soon where it failed, then ever more seldom', async () => {
    make({ collectives: ['mcollective', 'uk'], every: 3_000 });
    egress.failure = new Rejection('overloaded', 'the buffer is full');
    scheduler.start();
    await pass(0);
    expect(scheduler.progress('legacy')).toEqual({
      asked: undefined,
      error: 'mcollective: the buffer is full',
    });
    await pass(9_500);
    expect([...new Set(times())]).toEqual([0, 500, 1_500, 3_500, 6_500, 9_500]);
  });

  it('asks again only of the collectives where it failed', async () => {
    const { discover } = egress;
    make({
      egress: {
        name: 'legacy',
        status: () => egress.status(),
        discover: async (collective, found) => {
          egress.failure = collective === 'uk' ? new Rejection('overloaded', 'full') : undefined;
          await discover(collective, found);
        },
      },
      collectives: ['mcollective', 'uk'],
    });
    scheduler.start();
    await pass(600);
    expect(egress.asked.map(({ collective }) => collective)).toEqual(['mcollective', 'uk', 'uk']);
  });

  it('logs a failure once for each reason, and its end', async () => {
    egress.failure = new Rejection('no_signing_key', 'there is no key keys/mcbridge.pem');
    scheduler.start();
    await pass(20_000);
    egress.failure = new Rejection('overloaded', 'the buffer is full');
    await pass(5 * MINUTE);
    egress.failure = undefined;
    await pass(2 * MINUTE);
    const fields = { event: 'discovery', egress: 'legacy', collective: 'mcollective' };
    expect(lines).toEqual([
      {
        level: 'warn',
        fields: { ...fields, reason: 'no_signing_key' },
        message: 'nodes cannot be asked for: there is no key keys/mcbridge.pem',
      },
      {
        level: 'warn',
        fields: { ...fields, reason: 'overloaded' },
        message: 'nodes cannot be asked for: the buffer is full',
      },
      { level: 'info', fields, message: 'nodes can be asked for again' },
    ]);
  });

  it('goes on after an error that nobody thought of, and shows it', async () => {
    const bug = new TypeError('x is not a function');
    egress.failure = bug;
    scheduler.start();
    await pass(2_000);
    expect(times().length).toBeGreaterThan(1);
    expect(lines).toMatchObject([{ level: 'warn', fields: { reason: 'internal', err: bug } }]);
  });

  it.each([
    ['its interval is 0', { every: 0 }],
    ['it has no collective', { collectives: [] }],
  ])('asks nobody where %s, and sweeps all the same', async (_, more) => {
    make(more);
    inventory.observe('legacy', 'mcollective', 'n1', 'reply');
    scheduler.start();
    await scheduler.answered();
    await pass(3 * MINUTE + 5_000);
    expect([times(), inventory.size, scheduler.progress('legacy')]).toEqual([[], 0, undefined]);
  });

  it('asks no egress that cannot sign, and says so', async () => {
    scheduler = new DiscoveryScheduler({
      inventory,
      targets: [
        { egress: { name: 'choria', status: () => egress.status() }, collectives: ['uk'], every: MINUTE },
      ],
      log: recordingLog(lines),
      clock: Date.now,
    });
    scheduler.start();
    await scheduler.answered();
    expect(scheduler.progress('choria')).toEqual({
      asked: undefined,
      error: 'choria has no key to sign a question with',
    });
  });

  it.each([true, false])(
    'lets who waits for answers go on after two seconds, connected or not: %s',
    async (up) => {
      egress.up = up;
      scheduler.start();
      // An egress may take a while to be connected, and so may who waits.
      await pass(10_000);
      let answered = false;
      void scheduler.answered().then(() => {
        answered = true;
      });
      await pass(1_999);
      expect(answered).toBe(false);
      await pass(1);
      expect(answered).toBe(true);
    },
  );

  it('holds nobody up when it is stopped early', async () => {
    scheduler.start();
    const answered = scheduler.answered();
    scheduler.stop();
    await answered;
    await scheduler.answered();
  });
});
