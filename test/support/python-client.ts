import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './process.ts';
import { YAML_COLLECTIVE } from './world.ts';

const SCRIPT = join(fileURLToPath(new URL('./python', import.meta.url)), 'client.py');

export interface PythonRequest {
  readonly agent: string;
  readonly action?: string;
  /** As it stands in the YAML. */
  readonly id: string;
  /** Signs the payload alone, without ttl and time. */
  readonly bare?: boolean;
  /** How far its clock is ahead, in seconds. */
  readonly clock?: number;
  /** How many replies it waits for. */
  readonly expect: number;
}

export interface PythonReply {
  readonly sender: string;
  /** As it stands in the YAML. */
  readonly id: string;
  readonly text: string;
}

export interface PythonOptions {
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** A file with the private key, PEM. */
  readonly key: string;
  readonly caller: string;
}

/** A client that shares no code with Ruby's nor with the bridge: what it is answered in the YAML collective, by sender. */
export const makePythonClient = (options: PythonOptions) => {
  let requests = 0;
  return async (request: PythonRequest): Promise<readonly PythonReply[]> => {
    const defaults = { action: 'ping', bare: false, clock: 0, ttl: 60, patience: 30 };
    const queue = String(++requests);
    const input = JSON.stringify({ ...defaults, ...options, collective: YAML_COLLECTIVE, queue, ...request });
    const { stdout, stderr } = await run('python3', [SCRIPT], { input });
    if (stderr !== '') throw new Error(stderr);
    const lines = stdout.split('\n').filter((line) => line !== '');
    return lines
      .map((line): PythonReply => JSON.parse(line))
      .toSorted((a, b) => (a.sender < b.sender ? -1 : 1));
  };
};
