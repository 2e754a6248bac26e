import { setTimeout as sleep } from 'node:timers/promises';
import { federationSubject } from '../src/adapters/choria/wire/index.ts';
import { type Link, LinkError } from '../src/transport/link.ts';
import { Marks } from './marks.ts';
import { ALL_NODES, answered, CLUSTER, federated, node, REPLY_TO, senderOf } from './traffic.ts';

/** Targets of each request of the soak. */
export const SOAK_TARGETS = 20;

const TICK = 10;

const indexOf = (identity: string): number => Number(/^node(\d+)\./.exec(identity)?.[1]);

export interface SoakSent {
  /** Ms since the epoch, of each request. */
  readonly at: number[];
  /** How many nodes' replies came home, of each request. */
  readonly home: number[];
  readonly homeTwice: number;
  /** Requests that this side's own link did not take; they count as never sent. */
  readonly unsent: number;
}

/** The client of a soak. */
export interface SoakClient {
  send(perSecond: number, seconds: number): Promise<void>;
  /** Resolves when all replies are home, or after so many ms. */
  settle(timeout: number): Promise<void>;
  sheet(): SoakSent;
}

export const soakClient = async (link: Link, ttl: number): Promise<SoakClient> => {
  const home = new Marks();
  const at: number[] = [];
  let replies = 0;
  let unsent = 0;
  const targets = Array.from({ length: SOAK_TARGETS }, (_, i) => node(i));
  await link.subscribe({
    destination: `${REPLY_TO}.*`,
    onMessage: ({ destination, body }) => {
      replies++;
      home.set(Number(destination.slice(REPLY_TO.length + 1)), indexOf(senderOf(body)));
    },
  });
  const sendOne = (): void => {
    const now = Date.now();
    try {
      link.send({
        destination: federationSubject(CLUSTER),
        body: federated(at.length, targets),
        expires: now + ttl,
      });
      at.push(now);
    } catch (error) {
      if (!(error instanceof LinkError)) throw error;
      unsent++;
    }
  };
  return {
    send: async (perSecond, seconds) => {
      const started = performance.now();
      for (let done = 0; done < perSecond * seconds; ) {
        const due = Math.min(perSecond * seconds, ((performance.now() - started) / 1000) * perSecond);
        for (; done < due; done++) sendOne();
        await sleep(TICK);
      }
    },
    settle: async (timeout) => {
      const deadline = Date.now() + timeout;
      while (replies < at.length * SOAK_TARGETS && Date.now() < deadline) await sleep(1);
    },
    sheet: () => ({ at, home: home.counts(at.length), homeTwice: home.twice, unsent }),
  };
};

export interface SoakNodes {
  readonly delivered: number[];
  readonly deliveredTwice: number;
}

/** All nodes of a soak: they answer, and note what came. */
export const soakNodes = async (link: Link, ttl: number): Promise<(requests: number) => SoakNodes> => {
  const delivered = new Marks();
  await link.subscribe({
    destination: ALL_NODES,
    onMessage: ({ body, destination }) => {
      const { n, replyTo, reply } = answered(body, destination);
      delivered.set(n, indexOf(destination.slice(ALL_NODES.length - 1)));
      link.send({ destination: replyTo, body: reply, expires: Date.now() + ttl });
    },
  });
  return (requests) => ({ delivered: delivered.counts(requests), deliveredTwice: delivered.twice });
};
