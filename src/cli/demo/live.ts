import { setTimeout } from 'node:timers/promises';
import { createDemo, type DemoBridge, NODES } from './demo-bridge.ts';

/** Ms that a reply is awaited, and between two requests. */
const REPLY_TIMEOUT_MS = 2_000;
const PAUSE_MS = 700;

const COUNTRY = new Map([['fact', 'country']]);

/** What goes on all the time: requests to all nodes and to some, one that policy denies, and one of a caller whom nobody maps. */
const trafficOf = ({ client, alice, guest }: DemoBridge): readonly (() => Promise<unknown>)[] => {
  const asAlice = client(alice);
  const asGuest = client(guest);
  const ping = { agent: 'rpcutil', action: 'ping', timeout: REPLY_TIMEOUT_MS };
  const fact = { ...ping, action: 'get_fact', data: COUNTRY };
  const inventory = { ...ping, action: 'inventory' };
  return [
    () => asAlice.rpc({ ...ping, expect: NODES.length }),
    () => asAlice.rpc({ ...fact, nodes: ['web2.example.net'] }),
    () => asAlice.rpc({ ...fact, expect: NODES.length }),
    () => asAlice.rpc({ ...inventory, nodes: ['db1.example.net', 'mail.example.net'] }),
    () => asAlice.rpc({ ...inventory, nodes: ['web1.example.net'] }),
    () => asGuest.rpc({ ...ping, expect: 1 }),
  ];
};

export interface LiveDemo {
  /** Where the page is. */
  readonly url: string;
  stop(): Promise<void>;
}

/** The demo's bridge with its live page, and requests that go on until it is stopped. */
export const startLiveDemo = async (): Promise<LiveDemo> => {
  const demo = await createDemo({ page: true });
  const traffic = trafficOf(demo);
  const stopping = new AbortController();
  const flow = async (): Promise<void> => {
    for (let turn = 0; !stopping.signal.aborted; turn++) {
      await traffic[turn % traffic.length]?.();
      // What is explained step by step elsewhere is not kept here.
      demo.takeSteps();
      await setTimeout(PAUSE_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  };
  const flowing = flow();
  return {
    url: demo.pageUrl ?? '',
    stop: async () => {
      stopping.abort();
      await flowing;
      await demo.app.stop();
    },
  };
};
