import { expect, vi } from 'vitest';
import { z } from 'zod';
import type { LogEvent } from '../../src/envelope/log-events.ts';
import type { BridgeProcess } from './bridge.ts';
import type { McoClient } from './mcollectived.ts';

/** How often a bridge has logged something. */
export const count = (bridge: BridgeProcess, event: LogEvent): number =>
  bridge.lines().filter((line) => line.event === event).length;

/** Has a bridge read its files anew, until they are in force. */
export const reload = async (bridge: BridgeProcess): Promise<void> => {
  const before = count(bridge, 'config_applied');
  bridge.child.signal('SIGHUP');
  await vi.waitFor(() => expect(count(bridge, 'config_applied')).toBe(before + 1));
};

const replies = z.array(z.looseObject({ sender: z.string(), statuscode: z.number() }));

/** What a real `mco` gets from one node: who answers, and with which status. */
export const mcoPing = async (
  client: McoClient,
  collective: string,
  node: string,
): Promise<readonly unknown[]> => {
  const { stdout } = await client.run('rpc', 'rpcutil', 'ping', '-T', collective, '-I', node, '-j');
  return replies.parse(JSON.parse(stdout)).map(({ sender, statuscode }) => [sender, statuscode]);
};
