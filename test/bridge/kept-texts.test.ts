import { describe, expect, it } from 'vitest';
import { Handled } from '../../src/adapters/kit/handled.ts';
import { DirectedInFlightLimit } from '../../src/adapters/mcollective/egress/directed-in-flight-limit.ts';
import { RequestLog } from '../../src/bridge/request-log.ts';
import { SilentNodes } from '../../src/bridge/silent-nodes.ts';
import { parseJson } from '../../src/codec/json.ts';
import { own, ownAll } from '../../src/envelope/text.ts';
import { Inventory } from '../../src/nodes/inventory.ts';
import { requestAt } from '../../src/testing/egress-contract.ts';
import { toAll, toNodes } from '../../src/testing/targets.ts';
import { recordingLog } from '../adapters/world.ts';
import { memoryInUse } from '../support/memory.ts';

const MiB = 1024 ** 2;
const DOCUMENT = MiB;
const MESSAGES = 40;
const NOW = 1_800_000_000_000;

/** A name of 32 characters, as it is cut out of a message of a MiB. */
const nameIn = (number: number): string => {
  const name = String(number).padStart(32, 'n');
  const document = Buffer.from(JSON.stringify([name, 'x'.repeat(DOCUMENT)])).toString();
  const list = parseJson(document);
  const [found] = Array.isArray(list) ? list : [];
  if (typeof found !== 'string') throw new Error('the document holds no name');
  return found;
};

const requestLog = (): RequestLog =>
  new RequestLog({
    clock: () => NOW,
    capacity: 1_000,
    bytes: MiB,
    quiet: 1_000,
    onDone: () => undefined,
  });

const requestOf = (name: string, targets = toAll()) => {
  const made = requestAt(NOW / 1000, { id: name, targets });
  return { ...made, sender: name, home: { ...made.home, flow: name, requestId: name, replyTo: name } };
};

/** What each does with a name; the ones that give it back are kept until the memory was looked at. */
const keepers: Readonly<Record<string, () => { keep(name: string): unknown; stop?(): void }>> = {
  'one’s own text': () => ({ keep: own }),
  'one’s own list': () => ({ keep: (name) => ownAll([name, 'other']) }),
  'the request log, of requests': () => {
    const it = requestLog();
    return { keep: (name) => void it.sent(requestOf(name), undefined, 'a → b'), stop: () => it.stop() };
  },
  'the request log, of the nodes asked': () => {
    const it = requestLog();
    let flow = 0;
    const keep = (name: string): void =>
      void it.sent(requestOf(`flow ${++flow}`, toNodes([name])), undefined, 'a → b');
    return { keep, stop: () => it.stop() };
  },
  'the request log, of further nodes asked': () => {
    const it = requestLog();
    const keep = (name: string): void =>
      void it.sent(requestOf('one request', toNodes([name])), undefined, 'a → b');
    return { keep, stop: () => it.stop() };
  },
  'the request log, of nodes that answered': () => {
    const it = requestLog();
    const asked = requestOf(
      'one request',
      toNodes(['last', ...Array.from({ length: MESSAGES }, (_, i) => String(i).padStart(32, 'n'))]),
    );
    it.sent(asked, undefined, 'a → b');
    return { keep: (name) => it.replied(asked.home, false, name), stop: () => it.stop() };
  },
  'the request log, of requests of other instances': () => {
    const it = requestLog();
    return { keep: (name) => it.replied(requestOf(name).home, false), stop: () => it.stop() };
  },
  'the inventory': () => {
    const it = new Inventory({ clock: () => NOW, log: recordingLog([]), expire: () => 1_000 });
    return { keep: (name) => it.observe('egress', 'mcollective', name, 'reply') };
  },
  'the nodes that are silent': () => {
    const it = new SilentNodes({ clock: () => NOW, tell: () => undefined });
    it.heard('a → b', 'another');
    return { keep: (name) => it.unanswered('a → b', [name], NOW - 1) };
  },
  'what was handled': () => {
    const it = new Handled();
    return { keep: (name) => it.add(`a request for ${name}`) };
  },
  'the limit of directed frames': () => {
    const it = new DirectedInFlightLimit(1_000);
    return {
      keep: (name) => void it.admits({ request: name, nodes: [name], expires: NOW }, () => 'here', NOW - 1),
    };
  },
};

describe('what is kept of a message keeps nothing else of it', () => {
  it.each(Object.entries(keepers))('%s', (_, make) => {
    const { keep, stop } = make();
    const before = memoryInUse();
    const kept = Array.from({ length: MESSAGES }, (_, number) => keep(nameIn(number)));
    expect(memoryInUse() - before).toBeLessThan((MESSAGES * DOCUMENT) / 2);
    expect(kept).toHaveLength(MESSAGES);
    stop?.();
  });
});

describe('own', () => {
  it.each(['', 'short', 'twenty characters ...', 'größer als dreizehn', 'half of a character: \ud83d'])(
    'is the same text: %j',
    (text) => {
      expect(own(text)).toBe(text);
    },
  );

  it('is the same list, whatever its texts hold', () => {
    for (const texts of [[], [''], ['a', 'b'], ['one\nof two lines', 'another'], ['half: \ud83d', '\ude82']])
      expect(ownAll(texts)).toEqual(texts);
  });
});
