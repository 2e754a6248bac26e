import { expect } from 'vitest';
import type { Child, Finished } from '../support/process.ts';
import { commandsOf } from './commands.ts';
import { type DocsWorld, startDocsWorld } from './world.ts';

export const READY = /"event":"ready"/;
export const READY_MS = 60_000;

/** Whoever runs the commands of the docs, each as it is written, and keeps count of them. */
export interface Session {
  readonly world: DocsWorld;
  /** `<doc>: <line>` of each command that has been run. */
  readonly ran: ReadonlySet<string>;
  /** @throws where the document has no such line */
  as(doc: string, line: string): Promise<Finished>;
  /** A command that is expected to do what it says. @returns what it printed */
  done(doc: string, line: string): Promise<string>;
  /** Starts one that stays. */
  begin(doc: string, line: string): Child;
  /** Ends it, as Ctrl-C or a service manager does. @returns its exit code, or the signal that ended it */
  end(child: Child, signal?: NodeJS.Signals): Promise<number | string>;
  /** The command of the document that begins so. */
  lineOf(doc: string, start: string): string;
  /** `mcbridge run` with a recorder, for as long as one ping takes. */
  recordPing(doc: string, line: string): Promise<void>;
  stop(): Promise<void>;
}

export const startSession = async (): Promise<Session> => {
  const world = await startDocsWorld();
  const ran = new Set<string>();
  const running = new Set<Child>();
  const written = (doc: string, line: string): string => {
    expect(commandsOf(doc).map((command) => command.line)).toContain(line);
    ran.add(`${doc}: ${line}`);
    return line;
  };
  const as: Session['as'] = (doc, line) => world.shell(written(doc, line));
  const begin: Session['begin'] = (doc, line) => {
    const child = world.begin(written(doc, line));
    running.add(child);
    return child;
  };
  const end: Session['end'] = (child, signal = 'SIGTERM') => {
    child.signal(signal);
    running.delete(child);
    return child.exited;
  };
  return {
    world,
    ran,
    as,
    begin,
    end,
    done: async (doc, line) => {
      const finished = await as(doc, line);
      expect(finished).toMatchObject({ status: 0 });
      return finished.stdout;
    },
    lineOf: (doc, start) => commandsOf(doc).find(({ line }) => line.startsWith(start))?.line ?? start,
    recordPing: async (doc, line) => {
      const recording = begin(doc, line);
      await recording.waitFor(READY, READY_MS);
      const ping = await world.shell('mcbridge ping --config bridge.yaml --cert alice.pem --key alice.key');
      expect(ping).toMatchObject({ status: 0 });
      expect(await end(recording)).toBe(0);
    },
    stop: async () => {
      await Promise.all([...running].map((child) => child.stop()));
      await world.stop();
    },
  };
};

/** Tries again until it comes out right: nodes and bridges learn of each other in their own time. */
export const until = async (what: () => Promise<boolean>, patienceMs = 90_000): Promise<void> => {
  const deadline = Date.now() + patienceMs;
  while (!(await what())) if (Date.now() > deadline) throw new Error('it did not come out right in time');
};
