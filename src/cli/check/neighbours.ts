import { setTimeout as sleep } from 'node:timers/promises';
import { decodeStats, statsSubject } from '../../adapters/choria/wire/stats.ts';
import type { Checklist } from '../../config/checklist.ts';
import { fileReader } from '../../config/files.ts';
import { clusterOf } from '../../setup/ends.ts';
import type { LoadedConfig } from '../../setup/types.ts';
import { clashWith } from '../../telemetry/neighbours.ts';
import { BROKERS } from '../../transport/transports.ts';

/**
 * Listens to what running bridges publish of themselves, for those of the same cluster that this configuration does not go
 * with.
 * @param duration ms; bridges speak every `statistics.interval`
 */
export const checkNeighbours = async (
  list: Checklist,
  loaded: LoadedConfig,
  duration: number,
): Promise<void> => {
  const { config } = loaded;
  const used = [...new Set(config.routes.map(({ from }) => from))];
  const heard = new Set<string>();
  let isListening = false;
  await Promise.all(
    [...config.ingresses.values()].map(async ({ name, adapter }) => {
      if (!adapter.carriesStatistics || list.hasProblem(['ingresses', name])) return;
      const cluster = clusterOf(config, name);
      const own = used.filter((it) => clusterOf(config, it) === cluster);
      const spec = adapter.link(config, fileReader(loaded));
      const link = BROKERS.open(spec, { failFast: true, onEvent: () => undefined });
      const hear = (body: Buffer): void => {
        try {
          const document = decodeStats(body);
          const clash = document.cluster === cluster ? clashWith(document, own) : undefined;
          if (clash === undefined || heard.has(clash) || heard.size >= 10) return;
          heard.add(clash);
          list.problem(['ingresses', name], clash, 'see docs/operations.md, several instances');
        } catch {
          // Not a document: nothing that this configuration has to go with.
        }
      };
      try {
        await link.open();
        await link.subscribe({ destination: statsSubject(cluster), onMessage: ({ body }) => hear(body) });
        isListening = true;
        await sleep(duration);
      } catch {
        // That the broker refuses the login has been reported by then.
      } finally {
        await link.close();
      }
    }),
  );
  if (isListening && heard.size === 0)
    list.ok([], `no bridge was heard that this one does not go with, in ${duration / 1000} s`);
};
