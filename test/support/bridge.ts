import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { LogEvent } from '../../src/envelope/log-events.ts';
import { type Child, type Finished, run, start } from './process.ts';

const PROGRAM = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const READY_MS = 120_000;

/** One line of a bridge's log. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly event: LogEvent; readonly msg: string };

export interface BridgeProcess {
  readonly child: Child;
  /** Its JSON log lines so far. */
  lines(): readonly LogLine[];
  /** The first line that fits, once it is there. */
  line(fits: (line: LogLine) => boolean, what: string, timeoutMs?: number): Promise<LogLine>;
  /** SIGTERM and wait. @returns the exit code, or the name of the signal that ended it */
  stop(): Promise<number | string>;
}

/** A folder with a configuration and the files that it names. */
export interface BridgeFolder {
  readonly folder: string;
  /** Writes `bridge.yaml` from a value; JSON is YAML. @returns its path */
  configure(config: object, name?: string): string;
  write(name: string, text: string): void;
  remove(): void;
}

export const makeBridgeFolder = (files: Readonly<Record<string, string>>): BridgeFolder => {
  const folder = mkdtempSync(join(tmpdir(), 'mcbridge-'));
  const write = (name: string, text: string): void => {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text, { mode: 0o600 });
  };
  for (const [name, text] of Object.entries(files)) write(name, text);
  return {
    folder,
    write,
    configure: (config, name = 'bridge.yaml') => {
      write(name, JSON.stringify(config, null, 2));
      return join(folder, name);
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
};

/** `mcbridge <args>`, to its end. */
export const mcbridge = (...args: readonly string[]): Promise<Finished> =>
  run(process.execPath, [PROGRAM, ...args]);

/** Starts `mcbridge run` and does not wait. */
export const launchBridge = (config: string, env: Readonly<Record<string, string>> = {}): BridgeProcess => {
  const child = start(process.execPath, [PROGRAM, 'run', '--config', config], { env });
  const lines = (): readonly LogLine[] =>
    child
      .log()
      .split('\n')
      .filter((line) => line.startsWith('{') && line.endsWith('}'))
      .map((line): LogLine => JSON.parse(line));
  const line = async (
    fits: (line: LogLine) => boolean,
    what: string,
    timeoutMs = 120_000,
  ): Promise<LogLine> => {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const found = lines().find(fits);
      if (found !== undefined) return found;
      if (Date.now() > deadline) throw new Error(`the bridge did not log ${what}; its log:\n${child.log()}`);
      await sleep(20);
    }
  };
  return {
    child,
    lines,
    line,
    stop: async () => {
      child.signal('SIGTERM');
      return child.exited;
    },
  };
};

/** Once it takes requests. */
export const untilReady = (bridge: BridgeProcess): Promise<void> =>
  bridge.child.waitFor(/"event":"ready"/, READY_MS);

/** Starts `mcbridge run`, once it takes requests. */
export const startBridge = async (config: string): Promise<BridgeProcess> => {
  const bridge = launchBridge(config);
  await untilReady(bridge);
  return bridge;
};

const counts = z.object({
  requestsReceived: z.number(),
  requestsSent: z.number(),
  targetsSent: z.number(),
  repliesReceived: z.number(),
  repliesSent: z.number(),
  errorsSent: z.number(),
  expired: z.number(),
  rejected: z.record(z.string(), z.number()),
  ignored: z.record(z.string(), z.number()),
});

/** What a bridge has counted over its life. */
export type Counts = z.infer<typeof counts>;

/** Stops it by SIGTERM. @returns the totals that it logs at its end */
export const stopAndCount = async (bridge: BridgeProcess): Promise<Counts> => {
  await bridge.stop();
  const last = bridge.lines().findLast(({ event }) => event === 'counters');
  return counts.parse(last?.['counts']);
};
