import type { World } from './federation-world.ts';
import type { Path } from './peer-messages.ts';

/** Blocks that are not counted, and rounds likewise. */
export const WARM_UP = 2;
/** The same for a program that has to be warm: V8 compiles for speed what has run some ten thousand times. */
const WARM_REQUESTS = 4_000;
const WARM_EVERY = 0.5;
/** Requests of a block, and ms between them. */
export const BLOCK = 500;
export const EVERY = 2;

/** How long requests and their replies take, in µs: blocks of all paths in turn. */
export const inTurns = async (
  world: World,
  paths: readonly Path[],
  blocks: number,
): Promise<Readonly<Record<Path, readonly number[]>>> => {
  const nodes = await world.peer(world.collective);
  nodes.tell({ kind: 'answer' });
  await nodes.hear('answering');
  const relay = await world.peer(world.federation);
  relay.tell({ kind: 'relay', ...world.access(world.collective) });
  await relay.hear('relaying');
  const near = await world.peer(world.collective);
  const far = await world.peer(world.federation);
  const taken: Record<Path, number[]> = {
    ...{ bridge: [], recorded: [], relay: [], server: [], verified: [], audited: [] },
  };
  for (let i = 0; i < WARM_UP + blocks; i++)
    for (const through of paths) {
      const client = through === 'server' ? near : far;
      const [requests, every] = i < WARM_UP ? [WARM_REQUESTS, WARM_EVERY] : [BLOCK, EVERY];
      client.tell({ kind: 'measure', through, requests, every });
      const { micros } = await client.hear('measured');
      if (i >= WARM_UP) taken[through].push(...micros);
    }
  for (const peer of [nodes, relay, near, far]) peer.stop();
  return taken;
};
