import type { App } from '../../app/app.ts';
import type { Logging } from '../logging.ts';
import { type GoOn, onGoOn } from '../orders.ts';

/** Who obeys signals, from a bridge's first moment to its last. */
export interface Obeying {
  /** There is an app now; a reload that was asked for before is done now. */
  begin(app: Pick<App, 'reload' | 'reopen'>): void;
  /** The bridge is ending: there is nothing to reload any more. */
  end(): void;
}

/** Obeys the signals that no bridge ends by. */
export const obeySignals = ({ log, reopen, cycle }: Logging): Obeying => {
  let app: Pick<App, 'reload' | 'reopen'> | undefined;
  let isAsked = false;
  let isEnding = false;
  const reopenAll = (): void => {
    reopen();
    app?.reopen();
  };
  const told = (signal: GoOn, sentence: string): void => log.info({ event: 'signal', signal }, sentence);
  const obey: Readonly<Record<GoOn, () => void>> = {
    SIGHUP: () => {
      reopenAll();
      told(
        'SIGHUP',
        isEnding ? 'the bridge is ending: nothing is reloaded' : 'reading the configuration anew',
      );
      if (isEnding) return;
      isAsked = true;
      void app?.reload('SIGHUP');
    },
    // A terminal sends it too, whenever its size changes: it is told of where there is a file.
    SIGWINCH: reopenAll,
    SIGUSR1: () => told('SIGUSR1', 'there is nothing to do by SIGUSR1'),
    SIGUSR2: () => cycle('SIGUSR2 asks for the next one'),
  };
  onGoOn((signal) => obey[signal]());
  return {
    begin: (begun) => {
      app = begun;
      if (isAsked) void app.reload('SIGHUP');
    },
    end: () => {
      isEnding = true;
    },
  };
};
