import type { Stats } from '../bridge/stats.ts';
import type { Log } from '../envelope/log.ts';

/** Ms between log lines of the counters, while anything changes. */
const INTERVAL_MS = 60_000;

/** Tells the counters, once a minute and at the end, where they have changed. */
export const tellingCounters = (stats: Stats, log: Log): { start(): void; stop(): void } => {
  let told = '';
  const tell = (): void => {
    const counts = stats.snapshot();
    const text = JSON.stringify(counts);
    if (text !== told) log.info({ event: 'counters', counts }, 'counters');
    told = text;
  };
  let timer: NodeJS.Timeout | undefined;
  return {
    start: () => {
      timer = setInterval(tell, INTERVAL_MS);
    },
    stop: () => {
      clearInterval(timer);
      tell();
    },
  };
};
