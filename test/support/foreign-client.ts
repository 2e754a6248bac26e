import { fileURLToPath } from 'node:url';
import { run } from './process.ts';
import { YAML_COLLECTIVE } from './world.ts';

const scriptOf = (name: string): string => fileURLToPath(new URL(`./${name}`, import.meta.url));

/** By their languages; each shares no code with Ruby's client nor with the bridge. */
const PROGRAMS = {
  Python: ['python3', scriptOf('python/client.py')],
  Perl: ['perl', scriptOf('perl/client.pl')],
} as const;

export type Language = keyof typeof PROGRAMS;

export interface ForeignRequest {
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
  readonly caller?: string;
  /** In Perl: signs with this key, as the PSK plugin does. */
  readonly psk?: string;
}

export interface ForeignReply {
  readonly sender: string;
  /** As it stands in the YAML. */
  readonly id: string;
  readonly text: string;
}

export interface ForeignOptions {
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** A file with the private key, PEM. */
  readonly key: string;
  /** A file with the daemons' public key, PEM: Perl's client believes no other reply. */
  readonly serverKey: string;
  readonly caller: string;
}

/** What a client in that language is answered in the YAML collective, by sender. */
export const makeForeignClient = (language: Language, options: ForeignOptions) => {
  const [program, script] = PROGRAMS[language];
  let requests = 0;
  return async (request: ForeignRequest): Promise<readonly ForeignReply[]> => {
    const defaults = { action: 'ping', bare: false, clock: 0, ttl: 60, patience: 30 };
    const queue = String(++requests);
    const input = JSON.stringify({ ...defaults, ...options, collective: YAML_COLLECTIVE, queue, ...request });
    const { stdout, stderr } = await run(program, [script], { input });
    if (stderr !== '') throw new Error(stderr);
    const lines = stdout.split('\n').filter((line) => line !== '');
    return lines
      .map((line): ForeignReply => JSON.parse(line))
      .toSorted((a, b) => (a.sender < b.sender ? -1 : 1));
  };
};
