import { afterAll, beforeAll, expect, it } from 'vitest';
import { headVerifier } from '../../src/audit/head.ts';
import { verified } from '../audit/world.ts';
import { type AuditWorld, NODES, startAuditWorld } from './audit-world.ts';

let world: AuditWorld;

beforeAll(async () => {
  world = await startAuditWorld();
}, 120_000);
afterAll(() => world?.stop());

const KILLS = 50;
/** Each kill is a start as well, which takes its time on a busy machine. */
const TIMEOUT_MS = 1_800_000;
/** Requests that nodes have got before each kill, at least. */
const EACH = 20;

const ping = { agent: 'rpcutil', action: 'ping', collective: 'east', targets: NODES } as const;

it(
  `a bridge is killed ${KILLS} times under load: no node got a request without a record, and the chain holds`,
  async () => {
    const got = (): number => world.fleet.received().length;
    let isOver = false;
    const ask = async (): Promise<void> => {
      // Nobody answers while there is no bridge.
      while (!isOver) await world.client.rpc({ ...ping, timeout: 200 });
    };
    const load = Array.from({ length: 10 }, ask);
    for (let kill = 0; kill < KILLS; kill++) {
      const bridge = await world.bridge();
      const before = got();
      while (got() < before + EACH) await new Promise((resolve) => setTimeout(resolve, 5));
      await bridge.child.kill();
    }
    isOver = true;
    await Promise.all(load);
    const last = await world.bridge();
    await last.stop();
    const recorded = world.recorded();
    const ids = new Set(world.fleet.received().map(({ requestId }) => requestId));
    expect(ids.size).toBeGreaterThan((KILLS * EACH) / NODES.length / 2);
    expect([...ids].filter((id) => !recorded.has(id))).toEqual([]);
    expect((await verified(world.files(), headVerifier(world.key))).findings).toEqual([]);
  },
  TIMEOUT_MS,
);
