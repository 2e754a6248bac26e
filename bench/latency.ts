import type { World } from './federation-world.ts';
import type { Path, Peer } from './peer-messages.ts';

/** Blocks that are not counted, and rounds likewise. */
export const WARM_UP = 2;
/** Requests of a block, and ms between them. */
export const BLOCK = 500;
export const EVERY = 2;

/** All nodes, which answer what comes. */
export const answering = async (world: World): Promise<Peer> => {
  const nodes = await world.peer(world.collective);
  nodes.tell({ kind: 'answer' });
  await nodes.hear('answering');
  return nodes;
};

/** How long requests and their replies take, in µs: blocks of all paths in turn. */
export const inTurns = async (
  paths: readonly Path[],
  blocks: number,
  client: (through: Path) => Peer,
): Promise<Readonly<Record<Path, readonly number[]>>> => {
  const taken: Record<Path, number[]> = { bridge: [], relay: [], server: [], verified: [], audited: [] };
  for (let i = 0; i < WARM_UP + blocks; i++)
    for (const through of paths) {
      const peer = client(through);
      peer.tell({ kind: 'measure', through, requests: BLOCK, every: EVERY });
      const { micros } = await peer.hear('measured');
      if (i >= WARM_UP) taken[through].push(...micros);
    }
  return taken;
};
