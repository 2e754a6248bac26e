import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LogObserver } from '../../src/bridge/log-observer.ts';
import { Silence, type SilenceOptions } from '../../src/bridge/silence.ts';
import { Stats } from '../../src/bridge/stats.ts';
import { EMPTY_FILTER, type Filter } from '../../src/envelope/filter.ts';
import type { OpaqueRequest, ReadableRequest, Target } from '../../src/envelope/message.ts';
import { Observers } from '../../src/envelope/observer.ts';
import type { Cause } from '../../src/envelope/port.ts';
import { Rejection } from '../../src/envelope/rejection.ts';
import { toAll, toNodes } from '../../src/testing/targets.ts';
import { type LogLine, recordingLog } from '../adapters/world.ts';

const START = 1_800_000_000_000;

beforeEach(() => void vi.useFakeTimers({ now: START }));
afterEach(() => vi.useRealTimers());

const CAUSES: readonly Cause[] = [
  {
    cause: 'serializer',
    sentence: 'they write yaml',
    silences: 'all',
    codes: ['malformed_marshal'],
  },
  { cause: 'key', sentence: 'they lack the key', silences: 'some' },
  { cause: 'server_key', sentence: 'it is another key', silences: 'none', codes: ['invalid_signature'] },
];

interface Asked {
  readonly ttl?: number;
  readonly targets?: readonly Target[];
  readonly filter?: Partial<Filter>;
  readonly data?: readonly (readonly [string, boolean])[];
}

const requestOf = ({ ttl = 60_000, targets = toAll(), filter = {}, data = [] }: Asked): ReadableRequest => ({
  id: 'a'.repeat(32),
  collective: 'mcollective',
  agent: 'rpcutil',
  caller: 'cert=alice',
  sender: 'desk.example.net',
  time: Date.now(),
  ttl,
  filter: { ...EMPTY_FILTER, ...filter },
  targets,
  payload: { kind: 'rpc', action: 'ping', data: new Map(data) },
  home: {
    ingress: 'federation',
    replyTo: 'mcollective.reply.a.1',
    requestId: 'a'.repeat(32),
    agent: 'rpcutil',
    collective: 'mcollective',
    dialect: 'go',
    expires: Date.now() + ttl,
  },
});

const watch = (options: Partial<SilenceOptions> = {}, link = { up: true }) => {
  const lines: LogLine[] = [];
  const stats = new Stats();
  stats.route('federation', 'legacy');
  const observers = new Observers([new LogObserver({ log: recordingLog(lines), clock: Date.now }), stats]);
  const silence = new Silence({ tell: (one) => observers.egressSilent(one), clock: Date.now, ...options });
  const legacy = { name: 'legacy', causes: CAUSES, status: () => ({ name: 'legacy', ...link }) };
  return {
    lines,
    link,
    silence,
    ask: (asked: Asked = {}) => silence.asked(legacy, requestOf(asked)),
    pass: (targets: readonly Target[]) => {
      const { home, id, sender, collective } = requestOf({});
      const content = { protocol: 'p', data: '', headers: {} };
      const payload: OpaqueRequest['payload'] = {
        kind: 'opaque',
        content,
        errorReplyAddress: () => undefined,
      };
      silence.asked(legacy, { home, id, sender, collective, targets, payload });
    },
    heard: () => silence.heard(legacy),
    unread: (code: 'malformed_marshal' | 'invalid_signature', sentence: string) =>
      silence.unread(legacy, new Rejection(code, sentence)),
    unanswered: () => stats.unanswered().get('legacy'),
  };
};

/** What a line has beside its level and its sentence. */
const fieldsOf = (lines: readonly LogLine[]) => lines.map(({ fields }) => fields);

describe('the silence of an egress', () => {
  it('is told while a request still waits: since when, of how many, and what may be the cause, in order', () => {
    const { lines, ask, unanswered } = watch();
    ask();
    vi.advanceTimersByTime(5_000);
    ask({ targets: toNodes(['n1']) });
    expect([lines, unanswered()]).toEqual([[], 0]);
    vi.advanceTimersByTime(5_000);
    expect(lines).toEqual([
      {
        level: 'warn',
        fields: {
          event: 'egress_silent',
          link: 'legacy',
          requests: 2,
          since: new Date(START).toISOString(),
          known_nodes: 0,
          causes: ['serializer', 'key'],
        },
        message:
          'nothing has come back from legacy to 2 requests in 10 s. It may be, in this order: (1) they write yaml; (2) they lack the key',
      },
    ]);
    expect(unanswered()).toBe(2);
  });

  it('is told within the life of a short request', () => {
    const { lines, ask } = watch();
    ask({ ttl: 8_000 });
    vi.advanceTimersByTime(4_000);
    expect(lines).toHaveLength(1);
  });

  it('is told once a minute at most', () => {
    const { lines, ask } = watch();
    for (let second = 0; second < 180; second++) {
      ask();
      vi.advanceTimersByTime(1_000);
    }
    expect(lines).toHaveLength(3);
  });

  it('is none where anything came back, and not so soon after that', () => {
    const { lines, ask, heard } = watch();
    ask();
    vi.advanceTimersByTime(9_000);
    heard();
    vi.advanceTimersByTime(30_000);
    ask();
    // A minute after the last word, and the request waits still.
    vi.advanceTimersByTime(29_999);
    expect(lines).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(fieldsOf(lines)).toMatchObject([{ requests: 1 }]);
  });

  it('is told of the next request where nobody waits any more by then', () => {
    const { lines, ask, heard } = watch();
    heard();
    ask({ ttl: 20_000 });
    vi.advanceTimersByTime(59_000);
    expect(lines).toEqual([]);
    ask({ ttl: 20_000 });
    vi.advanceTimersByTime(1_000);
    expect(fieldsOf(lines)).toMatchObject([{ requests: 2 }]);
  });

  it('is none while the link is down, which is told of by itself', () => {
    const { lines, ask, link } = watch();
    link.up = false;
    ask();
    vi.advanceTimersByTime(10_000);
    link.up = true;
    ask();
    vi.advanceTimersByTime(9_999);
    expect(lines).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(fieldsOf(lines)).toMatchObject([{ requests: 1 }]);
  });

  it('keeps no timer once the bridge has stopped', () => {
    const { silence, ask } = watch();
    ask();
    silence.stop();
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('what says that an egress is silent', () => {
  it('is no request whose sender wants no reply', () => {
    const { lines, ask } = watch();
    ask({ data: [['process_results', false]] });
    vi.advanceTimersByTime(60_000);
    expect(lines).toEqual([]);
  });

  it.each<[string, Partial<Filter>]>([
    ['facts', { fact: [{ fact: 'country', operator: '==', value: 'mt' }] }],
    ['classes', { cfClass: ['apache'] }],
    ['identities', { identity: ['/^n/'] }],
  ])('is a broadcast with a filter by %s only where there are ten: nobody may match it', (_, filter) => {
    const { lines, ask } = watch();
    for (let i = 0; i < 9; i++) ask({ filter });
    vi.advanceTimersByTime(10_000);
    expect(lines).toEqual([]);
    ask({ filter });
    vi.advanceTimersByTime(10_000);
    expect(fieldsOf(lines)).toMatchObject([{ requests: 10 }]);
  });

  it('is a broadcast with a filter by agent, which clients always have', () => {
    const { lines, ask } = watch();
    ask({ filter: { agent: ['rpcutil'] } });
    vi.advanceTimersByTime(10_000);
    expect(lines).toHaveLength(1);
  });

  it('is one of those that pass as they are where it names nodes; else its filter is not known', () => {
    const [named, all] = [watch(), watch()];
    named.pass(toNodes(['n1']));
    all.pass(toAll());
    vi.advanceTimersByTime(10_000);
    expect([named.lines.length, all.lines.length]).toEqual([1, 0]);
  });

  it('are ten requests where other instances may have got the replies, and the line says so', () => {
    const { lines, ask } = watch({ others: () => 2 });
    for (let i = 0; i < 9; i++) ask();
    vi.advanceTimersByTime(10_000);
    expect(lines).toEqual([]);
    ask();
    vi.advanceTimersByTime(10_000);
    expect(lines.map(({ message }) => message)).toEqual([
      expect.stringMatching(
        /^this instance has seen none: .*, and 2 other instances of the cluster may have got replies\. /,
      ),
    ]);
  });

  it('is one where nobody can tell of other instances, and the line leaves it open', () => {
    const { lines, ask } = watch({ others: () => undefined });
    ask();
    vi.advanceTimersByTime(10_000);
    expect(lines.map(({ message }) => message)).toEqual([
      expect.stringMatching(
        /^this instance has seen none: .*other instances of the cluster, if there are some/,
      ),
    ]);
  });
});

describe('the causes of a silence', () => {
  const known = (...nodes: readonly string[]) => ({ known: () => new Set(nodes) });

  it('leave out what silences all nodes where some have answered of late', () => {
    const { lines, ask } = watch(known('n1', 'n2'));
    ask();
    vi.advanceTimersByTime(10_000);
    expect(fieldsOf(lines)).toMatchObject([{ known_nodes: 2, causes: ['key'] }]);
    expect(lines[0]?.message).toContain('2 nodes are known there, who answered of late');
  });

  it('begin with the nodes that were named where others are known', () => {
    const { lines, ask } = watch(known('n1'));
    ask({ targets: toNodes(['x1', 'x2', 'x3', 'x4', 'x5', 'x6']) });
    ask({ targets: toNodes(['y1']) });
    vi.advanceTimersByTime(10_000);
    expect(fieldsOf(lines)).toMatchObject([{ causes: ['strangers', 'key'] }]);
    expect(lines[0]?.message).toContain('such as x1, x2, x3, x4, x5; (2)');
  });

  it('do not begin with them where also one was named that is known, or all were asked', () => {
    const [named, all] = [watch(known('n1')), watch(known('n1'))];
    named.ask({ targets: toNodes(['x1', 'n1']) });
    all.ask({ targets: toNodes(['x1']) });
    all.ask();
    vi.advanceTimersByTime(10_000);
    expect([...fieldsOf(named.lines), ...fieldsOf(all.lines)]).toMatchObject([
      { causes: ['key'] },
      { causes: ['key'] },
    ]);
  });

  it('begin with what replies were refused for that came meanwhile', () => {
    const { lines, ask, unread } = watch();
    ask();
    unread('malformed_marshal', 'it is no Marshal');
    unread('invalid_signature', 'its signature does not hold');
    vi.advanceTimersByTime(10_000);
    expect(fieldsOf(lines)).toMatchObject([
      { unread: 2, reason: 'invalid_signature', causes: ['server_key', 'serializer', 'key'] },
    ]);
    expect(lines[0]?.message).toMatch(
      /^nothing that can be read has come back .*; 2 replies were refused, the last one: its signature does not hold \(invalid_signature\)\. It may be, in this order: \(1\) it is another key;/,
    );
  });

  it('are not what came before anybody asked', () => {
    const { lines, ask, unread } = watch();
    unread('invalid_signature', 'its signature does not hold');
    ask();
    vi.advanceTimersByTime(10_000);
    expect(fieldsOf(lines)).toMatchObject([{ causes: ['serializer', 'key'] }]);
    expect(lines[0]?.fields).not.toHaveProperty('unread');
  });

  it('are those of now: what came back before is forgotten', () => {
    const { lines, ask, unread, heard } = watch();
    ask();
    unread('invalid_signature', 'its signature does not hold');
    heard();
    vi.advanceTimersByTime(60_000);
    ask();
    vi.advanceTimersByTime(10_000);
    expect(fieldsOf(lines)).toEqual([
      expect.objectContaining({ requests: 1, causes: ['serializer', 'key'] }),
    ]);
    expect(lines[0]?.fields).not.toHaveProperty('unread');
  });
});
