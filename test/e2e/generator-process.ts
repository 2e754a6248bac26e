import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { type KeyFiles, memoryFiles } from '../../src/config/key-files.ts';
import type { Storm } from '../app/storm.ts';
import type { BrokerPlaces } from './brokers-world.ts';

const pathOf = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

const message = z.object({ id: z.number(), result: z.unknown().optional(), error: z.string().optional() });
const counts = z.object({ asked: z.number(), toSecond: z.number() });
const report = counts.extend({
  wrong: z.array(z.string()),
  expected: z.number(),
  came: z.number(),
  twice: z.array(z.string()),
  seconds: z.number(),
});

/** A storm whose clients and nodes are in a process of their own, so that they take no time from the bridge. */
export interface GeneratorProcess extends Storm {
  /** The keys of its clients and nodes, for the bridge. */
  readonly keys: KeyFiles;
  stop(): Promise<void>;
}

export const startGenerator = async ({ nats, activemq }: BrokerPlaces): Promise<GeneratorProcess> => {
  const child = fork(pathOf('../support/run-ts.mjs'), [pathOf('./generator.ts')], { execArgv: [] });
  const ended = once(child, 'exit');
  const waiting = new Map<number, (answer: z.infer<typeof message>) => void>();
  let last = 0;
  const answerTo = (id: number) =>
    new Promise<unknown>((resolve, reject) => {
      const fail = (): void => reject(new Error('the generator has ended'));
      child.once('exit', fail);
      waiting.set(id, ({ result, error }) => {
        child.off('exit', fail);
        waiting.delete(id);
        if (error === undefined) resolve(result);
        else reject(new Error(error));
      });
    });
  child.on('message', (it) => {
    const answer = message.parse(it);
    waiting.get(answer.id)?.(answer);
  });
  const order = (name: string, value?: unknown): Promise<unknown> => {
    const answer = answerTo(++last);
    child.send({ id: last, name, value });
    return answer;
  };
  // It is there once it has said so.
  await answerTo(0);
  const { host, port, user, password } = activemq;
  const files = await order('join', { nats, activemq: { host, port, user, password } });
  return {
    keys: memoryFiles(new Map(z.array(z.tuple([z.string(), z.string()])).parse(files))),
    learn: async () => void (await order('learn')),
    begin: async () => void (await order('begin')),
    counts: async () => counts.parse(await order('counts')),
    askSecond: async (isAsked) => void (await order('askSecond', isAsked)),
    end: async () => report.parse(await order('end')),
    stop: async () => {
      if (child.connected) child.disconnect();
      await ended;
    },
  };
};
