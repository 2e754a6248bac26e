import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type IncomingMessage,
  type Link,
  LinkError,
  type LinkEvent,
  type OutgoingMessage,
} from '../transport/link.ts';

/** The bounds of what may wait, as a link is given them. */
export interface SendBufferLimits {
  readonly maxMessages: number;
  readonly maxBytes: number;
}

/** A broker, a link to it that something in between can hold up, and another that cannot be. */
export interface SendingStage {
  readonly link: Link;
  readonly events: readonly LinkEvent[];
  /** Reads what comes; opened already. */
  readonly receiver: Link;
  /** From now on the broker reads nothing more of what the link sends. */
  stall(): void;
  resume(): void;
  close(): Promise<void>;
}

export interface SendingHarness {
  /** @returns with the link not opened yet */
  stage(buffer: SendBufferLimits): Promise<SendingStage>;
  /** Where the i-th message of a fan-out goes; all of them come to `all`. */
  destinations(): { readonly to: (i: number) => string; readonly all: string };
}

/** Messages of one fan-out; what they share is larger than all else. */
const MESSAGES_PER_FAN_OUT = 50;
const BODY_BYTES = 40_000;

const until = async (condition: () => boolean, what: string): Promise<void> => {
  const deadline = Date.now() + 60_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`never happened: ${what}`);
    await sleep(5);
  }
};

const codeOf = (act: () => void): string | undefined => {
  try {
    act();
  } catch (error) {
    if (error instanceof LinkError) return error.code;
    throw error;
  }
  return undefined;
};

/** What every link promises whose peer reads slowly or is away; it talks to the `Link` interface only. */
export const sendingContract = (name: string, harness: SendingHarness): void => {
  const stages: SendingStage[] = [];
  afterEach(async () => {
    for (const stage of stages.splice(0)) await stage.close();
  });

  const world = async (buffer: SendBufferLimits) => {
    const stage = await harness.stage(buffer);
    stages.push(stage);
    const { to, all } = harness.destinations();
    const received: string[] = [];
    const note = ({ headers, body }: IncomingMessage): void =>
      void received.push(`${headers['n']}:${body.length}`);
    await stage.receiver.subscribe({ destination: all, onMessage: note });
    const fanOut = (
      which: number,
      { lifetime = 60_000, copies = MESSAGES_PER_FAN_OUT } = {},
    ): OutgoingMessage[] => {
      const body = new Uint8Array(BODY_BYTES).fill(which);
      const expires = Date.now() + lifetime;
      return Array.from({ length: copies }, (_, i) => ({
        destination: to(i),
        headers: { n: `${which}.${i}` },
        body,
        expires,
      }));
    };
    const names = (fanOuts: number): readonly string[] =>
      Array.from(
        { length: fanOuts * MESSAGES_PER_FAN_OUT },
        (_, n) => `${Math.floor(n / MESSAGES_PER_FAN_OUT)}.${n % MESSAGES_PER_FAN_OUT}:${BODY_BYTES}`,
      );
    return { ...stage, received, fanOut, names };
  };

  /** Sends fan-outs until one is refused. @returns how many were taken */
  const fill = (link: Link, fanOut: (which: number) => OutgoingMessage[]): number => {
    for (let sent = 0; sent < 2_000; sent++) {
      const code = codeOf(() => link.sendAll(fanOut(sent)));
      if (code === undefined) continue;
      expect(code).toBe('overloaded');
      return sent;
    }
    throw new Error('the buffer has no bound');
  };

  describe(`${name}, whose peer reads slowly`, () => {
    it('takes whole requests up to its bytes, each body once, and sends all of them in order', async () => {
      const limits = { maxMessages: 1, maxBytes: 2_000_000 };
      const { link, stall, resume, received, fanOut, names } = await world(limits);
      await link.open();
      stall();
      const taken = fill(link, fanOut);
      // Each copy by itself would have filled it with the first request; and nothing but bytes counts while it is up.
      expect(taken).toBeGreaterThan(20);
      expect(link.state().buffered).toBeGreaterThan(20 * MESSAGES_PER_FAN_OUT);
      expect(link.state().buffered * BODY_BYTES).toBeGreaterThan(10 * limits.maxBytes);
      resume();
      await until(() => received.length >= taken * MESSAGES_PER_FAN_OUT, 'all that was taken came');
      link.sendAll(fanOut(taken));
      await until(() => received.length >= (taken + 1) * MESSAGES_PER_FAN_OUT, 'it takes more again');
      expect(received).toEqual(names(taken + 1));
      expect(link.state().buffered).toBe(0);
    });

    it('says how much of a request expired that was half out, and sends what came after it', async () => {
      const { link, events, stall, resume, received, fanOut } = await world({
        maxMessages: 1,
        maxBytes: 2_000_000,
      });
      await link.open();
      stall();
      const told: (readonly [code: string, count: number])[] = [];
      const copies = 1_000;
      link.sendAll(
        fanOut(0, { lifetime: 1_000, copies }),
        (error, count) => void told.push([error.code, count]),
      );
      link.sendAll(fanOut(1));
      await until(() => told.length > 0, 'it is told that time ran out');
      const [[code, unsent] = ['', 0]] = told;
      expect(code).toBe('expired');
      expect(unsent).toBeGreaterThan(0);
      expect(unsent).toBeLessThan(copies);
      const expired = events.flatMap((event) => (event.kind === 'expired' ? [event.count] : []));
      expect(expired).toEqual([unsent]);
      expect(link.state().buffered).toBe(MESSAGES_PER_FAN_OUT);
      resume();
      const whole = copies - unsent + MESSAGES_PER_FAN_OUT;
      await until(() => received.length >= whole, 'the rest came');
      expect(received).toHaveLength(whole);
      expect(received.at(-1)).toBe(`1.${MESSAGES_PER_FAN_OUT - 1}:${BODY_BYTES}`);
      expect(told).toHaveLength(1);
    });
  });

  describe(`${name}, while it is down`, () => {
    it('takes whole requests, each once by number and its body once by bytes, and sends them when it is up', async () => {
      const { link, received, fanOut, names } = await world({ maxMessages: 3, maxBytes: 2_000_000 });
      expect(fill(link, fanOut)).toBe(3);
      expect(link.state().buffered).toBe(3 * MESSAGES_PER_FAN_OUT);
      await link.open();
      await until(() => received.length >= 3 * MESSAGES_PER_FAN_OUT, 'all came');
      expect(received).toEqual(names(3));
    });

    it('refuses the whole of a request that it has no room for', async () => {
      const { link, received, fanOut, names } = await world({ maxMessages: 100, maxBytes: 200_000 });
      link.sendAll(fanOut(0));
      const bodies = fanOut(1).map((message) => ({ ...message, body: new Uint8Array(BODY_BYTES) }));
      expect(codeOf(() => link.sendAll(bodies))).toBe('overloaded');
      link.sendAll(fanOut(1));
      await link.open();
      await until(() => received.length >= 2 * MESSAGES_PER_FAN_OUT, 'both came');
      expect(received).toEqual(names(2));
    });

    it('tells whose messages are lost when it is closed', async () => {
      const { link, events, fanOut } = await world({ maxMessages: 100, maxBytes: 2_000_000 });
      const told: (readonly [code: string, count: number])[] = [];
      link.sendAll(fanOut(0), (error, count) => void told.push([error.code, count]));
      link.send({
        destination: harness.destinations().to(0),
        body: new Uint8Array(1),
        expires: Date.now() + 60_000,
      });
      await link.close();
      await until(() => told.length > 0, 'it is told');
      expect(told).toEqual([['closed', MESSAGES_PER_FAN_OUT]]);
      const errors = events.flatMap((event) => (event.kind === 'error' ? [event.error] : []));
      expect(errors).toEqual([
        expect.objectContaining({
          code: 'closed',
          message: expect.stringContaining(`${MESSAGES_PER_FAN_OUT + 1} messages`),
        }),
      ]);
    });
  });
};
