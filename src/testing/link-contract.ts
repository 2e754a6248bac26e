import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Link, LinkError, type LinkEvent, type OutgoingMessage } from '../transport/link.ts';
import { freePort } from './ports.ts';
import { startTcpServer } from './tcp-server.ts';

/** How a contract makes links of one transport. */
export interface LinkHarness {
  /** A new link to a broker that is there; not opened. */
  link(onEvent: (event: LinkEvent) => void): Link;
  /** A destination that no other test uses. */
  destination(): string;
  /** Undefined where there is no network between the link and its broker. */
  readonly network?: {
    /** A new link to servers of this machine, by their ports. */
    pool(
      ports: readonly number[],
      options: { readonly failFast: boolean; readonly onEvent: (event: LinkEvent) => void },
    ): Link;
    /** The port of the broker that is there. */
    port(): number;
    /** Ends the broker without a goodbye and starts another at the same port. */
    restart(): Promise<void>;
  };
}

const PATIENCE = { timeout: 60_000, interval: 10 };
/** These cannot be sent to a broker: they would end a line, or are empty. */
const NO_DESTINATIONS = ['', 'a b\nc', 'a\0', '\r'];

const outgoing = (destination: string, text = 'x', more: Partial<OutgoingMessage> = {}): OutgoingMessage => ({
  destination,
  body: Buffer.from(text),
  expires: Date.now() + 60_000,
  ...more,
});

const codeOf = async (act: () => unknown): Promise<string> => {
  try {
    await act();
  } catch (error) {
    if (error instanceof LinkError) return error.code;
    throw error;
  }
  return 'nothing was thrown';
};

/** What every link promises, whatever its transport. It talks to the `Link` interface only. */
export const linkContract = (name: string, harness: LinkHarness): void => {
  const links: Link[] = [];
  const ends: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const link of links.splice(0)) await link.close();
    for (const end of ends.splice(0)) await end();
  });

  const make = () => {
    const events: LinkEvent[] = [];
    const link = harness.link((event) => events.push(event));
    links.push(link);
    return { link, events };
  };
  /** Texts that come to a destination. */
  const listen = async (link: Link, destination: string) => {
    const texts: string[] = [];
    const subscription = await link.subscribe({
      destination,
      onMessage: ({ body }) => void texts.push(body.toString()),
    });
    return { texts, subscription };
  };

  describe(`${name} keeps the contract of links`, () => {
    it('opened twice, it is open once, and both are told', async () => {
      const { link, events } = make();
      await Promise.all([link.open(), link.open()]);
      await link.open();
      expect(link.state().up).toBe(true);
      const destination = harness.destination();
      const { texts } = await listen(link, destination);
      link.send(outgoing(destination, 'once'));
      await vi.waitFor(() => expect(texts).toEqual(['once']), PATIENCE);
      expect(events.filter(({ kind }) => kind === 'connected').length).toBeLessThan(2);
    });

    it('takes nothing more once it is closed', async () => {
      const { link } = make();
      await link.open();
      await Promise.all([link.close(), link.close()]);
      const destination = harness.destination();
      expect(link.state().up).toBe(false);
      expect(await codeOf(() => link.open())).toBe('closed');
      expect(await codeOf(() => link.send(outgoing(destination)))).toBe('closed');
      expect(await codeOf(() => link.sendAll([outgoing(destination)]))).toBe('closed');
      expect(await codeOf(() => listen(link, destination))).toBe('closed');
    });

    it('refuses what is no destination, and then sends none of a request', async () => {
      const { link } = make();
      await link.open();
      const destination = harness.destination();
      const { texts } = await listen(link, destination);
      for (const wrong of NO_DESTINATIONS) {
        expect(await codeOf(() => link.send(outgoing(wrong)))).toBe('protocol');
        expect(await codeOf(() => link.send(outgoing(destination, 'x', { replyTo: wrong })))).toBe(
          'protocol',
        );
        expect(await codeOf(() => link.sendAll([outgoing(destination), outgoing(wrong)]))).toBe('protocol');
        expect(await codeOf(() => link.subscribe({ destination: wrong, onMessage: () => undefined }))).toBe(
          'protocol',
        );
      }
      link.send(outgoing(destination, 'right'));
      await vi.waitFor(() => expect(texts).toEqual(['right']), PATIENCE);
    });

    it('hands over in order what it has taken in order, and nothing after an unsubscribe', async () => {
      const { link } = make();
      await link.open();
      const [destination, another] = [harness.destination(), harness.destination()];
      const { texts, subscription } = await listen(link, destination);
      const other = await listen(link, another);
      const sent = Array.from({ length: 500 }, (_, n) => `${n}`);
      for (const text of sent) link.send(outgoing(destination, text));
      await vi.waitFor(() => expect(texts).toEqual(sent), PATIENCE);
      await subscription.unsubscribe();
      link.send(outgoing(destination, 'late'));
      link.send(outgoing(another, 'last'));
      await vi.waitFor(() => expect(other.texts).toEqual(['last']), PATIENCE);
      expect(texts).toEqual(sent);
    });

    it('hands over bytes, headers and the reply destination as they were', async () => {
      const { link } = make();
      await link.open();
      const [destination, replyTo] = [harness.destination(), harness.destination()];
      const got: unknown[] = [];
      await link.subscribe({
        destination,
        onMessage: ({ body, replyTo: back, headers }) => got.push([body, back, headers['mc_x']]),
      });
      const body = Buffer.from([0, 255, 13, 10, 128]);
      link.send({ ...outgoing(destination), body, replyTo, headers: { mc_x: 'a:b' } });
      await vi.waitFor(() => expect(got).toEqual([[body, replyTo, 'a:b']]), PATIENCE);
    });
  });

  const { network } = harness;
  if (network === undefined) return;

  const pool = (ports: readonly number[], failFast: boolean) => {
    const events: LinkEvent[] = [];
    const link = network.pool(ports, { failFast, onEvent: (event) => events.push(event) });
    links.push(link);
    return { link, events, kinds: () => events.map(({ kind }) => kind) };
  };
  /** A server that takes connections and says nothing. */
  const silentServer = async () => {
    const server = await startTcpServer();
    ends.push(() => server.close());
    return server;
  };

  describe(`${name} keeps the contract of links over a network`, () => {
    it('failing fast, it goes through the pool once before it gives up', async () => {
      const { link } = pool([await freePort(), network.port()], true);
      await link.open();
      expect(link.state()).toMatchObject({ up: true, server: expect.stringContaining(`${network.port()}`) });
    });

    it('failing fast, it says what is wrong with each server of the pool', async () => {
      const ports = [await freePort(), await freePort()];
      const { link } = pool(ports, true);
      const opening = [link.open(), link.open()];
      for (const open of opening)
        await expect(open).rejects.toMatchObject({
          code: 'unreachable',
          message: expect.stringMatching(new RegExp(`${ports[0]}.*refused.*${ports[1]}.*refused`)),
        });
      expect(link.state().up).toBe(false);
    });

    it('takes the next server of the pool at once, and says why', async () => {
      const { link, events } = pool([await freePort(), network.port()], false);
      await link.open();
      expect(events).toMatchObject([{ kind: 'retry', delay: 0 }, { kind: 'connected' }]);
    });

    it('closed while it connects, it leaves no socket, and whoever waits is told', async () => {
      const { port, sockets } = await silentServer();
      const { link } = pool([port], false);
      const opening = codeOf(() => link.open());
      await vi.waitFor(() => expect(sockets).toHaveLength(1), PATIENCE);
      await link.close();
      expect(await opening).toBe('closed');
      await vi.waitFor(() => expect(sockets.every((socket) => socket.destroyed)).toBe(true), PATIENCE);
    });

    it('sends what waited until its time ends, and tells whose has', async () => {
      const { link } = make();
      const destination = harness.destination();
      const told: string[] = [];
      link.send(
        outgoing(destination, 'late', { expires: Date.now() - 1 }),
        ({ code }) => void told.push(code),
      );
      link.send(outgoing(destination, 'early'));
      await link.open();
      const { texts } = await listen(link, destination);
      link.send(outgoing(destination, 'last'));
      await vi.waitFor(() => expect(texts.at(-1)).toBe('last'), PATIENCE);
      expect(texts).not.toContain('late');
      await vi.waitFor(() => expect(told).toEqual(['expired']), PATIENCE);
    });

    it('reports what a listener throws, and hands over what comes next', async () => {
      const { link, events } = make();
      await link.open();
      const destination = harness.destination();
      const texts: string[] = [];
      await link.subscribe({
        destination,
        onMessage: ({ body }) => {
          texts.push(body.toString());
          if (texts.length === 1) throw new Error('a bug');
        },
      });
      link.send(outgoing(destination, 'first'));
      link.send(outgoing(destination, 'second'));
      await vi.waitFor(() => expect(texts).toEqual(['first', 'second']), PATIENCE);
      expect(events.flatMap((event) => (event.kind === 'error' ? [event.error.message] : []))).toEqual([
        'a bug',
      ]);
    });

    it('subscribes anew at a server that came back, and says that it was gone', async () => {
      const { link, kinds } = pool([network.port()], false);
      await link.open();
      const destination = harness.destination();
      const { texts } = await listen(link, destination);
      await network.restart();
      await vi.waitFor(
        () => expect(kinds().filter((kind) => kind === 'connected')).toHaveLength(2),
        PATIENCE,
      );
      await vi.waitFor(() => {
        expect(link.state().unconfirmed ?? []).toEqual([]);
      }, PATIENCE);
      link.send(outgoing(destination, 'again'));
      await vi.waitFor(() => expect(texts).toEqual(['again']), PATIENCE);
      expect(kinds().indexOf('disconnected')).toBeGreaterThan(kinds().indexOf('connected'));
      expect(kinds().indexOf('disconnected')).toBeLessThan(kinds().lastIndexOf('connected'));
    });
  });
};
