import { vi } from 'vitest';
import type { ProviderWorld } from './provider-world.ts';
import { connectStompClient, type StompMessage } from './stomp-client.ts';

/** What somebody sees who may read all of each network. */
export interface Seen {
  /** The subjects of messages. */
  readonly operator: readonly string[];
  readonly acme: readonly { readonly subject: string; readonly payload: string }[];
  /** Of topics, and of queues that are collected. */
  readonly globex: readonly StompMessage[];
}

export interface ProviderWatch {
  /** What has been seen since the last time. */
  take(): Promise<Seen>;
  /** Sees more destinations of Globex. It takes what comes to a queue from those who would get it. */
  collect(destination: string): Promise<void>;
  close(): void;
}

const FENCE = 'fence';

export const watchProvider = async (world: ProviderWorld): Promise<ProviderWatch> => {
  const [operator, acme, globex] = await Promise.all([
    world.client('watcher.mcollective', 'acme'),
    world.atAcme('watcher.mcollective'),
    connectStompClient(world.globex.activemq),
  ]);
  const seen = {
    operator: [] as string[],
    acme: [] as Seen['acme'][number][],
    globex: [] as StompMessage[],
  };
  await operator.subscribe('>', (_, subject) => {
    // What the bridge tells of itself.
    if (subject !== FENCE && !subject.endsWith('.stats')) seen.operator.push(subject);
  });
  await acme.subscribe('>', (payload, subject) => {
    if (subject !== FENCE) seen.acme.push({ subject, payload });
  });
  let fences = 0;
  const collect = async (destination: string): Promise<void> => {
    const next = await globex.subscribe(destination);
    const take = async (): Promise<void> => {
      const message = await next();
      if (message.destination === `/topic/${FENCE}`) fences += 1;
      else if (!message.destination.startsWith('/topic/ActiveMQ.Advisory')) seen.globex.push(message);
      return take();
    };
    // It ends with the connection.
    void take().catch(() => undefined);
  };
  await collect('/topic/>');
  return {
    collect,
    // What was sent before is there once its own messages are.
    take: async () => {
      const earlier = fences;
      await Promise.all([
        operator.publish(FENCE, ''),
        acme.publish(FENCE, ''),
        globex.send(`/topic/${FENCE}`, Buffer.from(FENCE)),
      ]);
      await vi.waitFor(() => {
        if (fences === earlier) throw new Error('the fence has not come');
      });
      return { operator: seen.operator.splice(0), acme: seen.acme.splice(0), globex: seen.globex.splice(0) };
    },
    close: () => globex.close(),
  };
};
