import { type App, createApp } from '../../src/app/app.ts';
import type { Services } from '../../src/app/services.ts';
import type { KeyFiles } from '../../src/config/key-files.ts';
import type { LoadedConfig } from '../../src/setup/types.ts';
import { delegateLink } from '../../src/transport/delegate-link.ts';
import type { Link } from '../../src/transport/link.ts';
import type { Transports } from '../../src/transport/transports.ts';
import { type LogLine, recordingLog } from '../adapters/world.ts';

/** Apps, and what becomes of their links. */
export interface Apps {
  /** Links that apps have made, by name, in order; and those of them that are closed. */
  readonly made: string[];
  readonly closed: string[];
  readonly log: LogLine[];
  app(loaded: LoadedConfig, services?: Partial<Services>): App;
  /** Resolves once a link of that name is closed. */
  whenClosed(name: string): Promise<void>;
}

export const makeApps = (transports: Transports, keys: KeyFiles): Apps => {
  const made: string[] = [];
  const closed: string[] = [];
  const waiting = new Map<string, () => void>();
  const counted = (link: Link, name: string): Link => {
    made.push(name);
    return {
      ...delegateLink(link),
      close: async () => {
        await link.close();
        closed.push(name);
        waiting.get(name)?.();
      },
    };
  };
  const log: LogLine[] = [];
  return {
    made,
    closed,
    log,
    app: (loaded, services) =>
      createApp(loaded, {
        log: recordingLog(log),
        version: '0',
        keys,
        transports: { open: (spec, options) => counted(transports.open(spec, options), spec.name) },
        ...services,
      }),
    whenClosed: (name) =>
      closed.includes(name) ? Promise.resolve() : new Promise((resolve) => waiting.set(name, resolve)),
  };
};
