import type { Logger } from 'pino';
import { fileProblem, readFailure } from '../config/files.ts';
import type { Exchange } from '../control/held.ts';
import type { LoadedConfig, LogConfig } from '../setup/types.ts';
import { createLogger, type LoggerOptions } from './log.ts';
import { LogFile } from './log-file.ts';
import type { LogStream } from './log-sink.ts';

export type LogLevel = LogConfig['level'];

/** Each tells more than the one before it; after the last one comes the first again. */
const CYCLE: readonly LogLevel[] = ['error', 'warn', 'info', 'debug', 'trace'];

/** The level in force. */
export interface LevelState {
  readonly level: LogLevel;
  /** Seconds until another one is; null: until somebody says so. */
  readonly left: number | null;
  /** Which one that is. */
  readonly after: LogLevel | null;
}

/** The log of a running bridge: where it goes and how much it tells can change. */
export interface Logging {
  readonly log: Logger;
  readonly level: LogLevel;
  /**
   * @param why in words, for the line that says so, which is always written
   * @param seconds after which it is again the level before the first that was for a time, unless another is set until then
   */
  setLevel(level: LogLevel, why: string, seconds?: number): void;
  levelState(): LevelState;
  /** The next level: more, and after the last one the least. */
  cycle(why: string): void;
  /** Writes to a file of the same name that is there now; what cannot be opened is told of, and the old one is kept. */
  reopen(): void;
  /** By another configuration. A level that was set meanwhile stays, unless the file has another than before. @throws ConfigError */
  follow(loaded: LoadedConfig): Promise<Exchange>;
}

const opened = (loaded: LoadedConfig): LogFile | undefined => {
  const { file } = loaded.config.log;
  if (file === undefined) return undefined;
  try {
    return new LogFile(file);
  } catch (error) {
    throw fileProblem(loaded, ['log', 'file'], `${file} cannot be written: ${readFailure(error)}`, error);
  }
};

/**
 * @param stream where lines go if the configuration names no file
 * @throws ConfigError where its file cannot be opened
 */
export const createLogging = (
  loaded: LoadedConfig,
  stream: LogStream & { readonly isTTY?: boolean },
  onLoss?: LoggerOptions['onLoss'],
): Logging => {
  const { identity, cluster, instance } = loaded.config;
  let config = loaded.config.log;
  let file = opened(loaded);
  const log = createLogger({
    level: config.level,
    get format() {
      return config.format;
    },
    stream: {
      write: (text, done) => (file ?? stream).write(text, done),
      get isTTY() {
        return file === undefined && stream.isTTY === true;
      },
    },
    ...{ identity, cluster, instance },
    ...(onLoss && { onLoss }),
  });
  let level = config.level;
  /** Until when the level is for a time, by the monotonic clock, and what comes then. */
  let back: { readonly timer: NodeJS.Timeout; readonly at: number; readonly to: LogLevel } | undefined;
  const setLevel = (next: LogLevel, why: string, seconds?: number): void => {
    const before = back?.to ?? level;
    clearTimeout(back?.timer);
    back = undefined;
    if (seconds !== undefined) {
      const end = (): void => setLevel(before, 'its time is over');
      const timer = setTimeout(end, seconds * 1000).unref();
      back = { timer, at: performance.now() + seconds * 1000, to: before };
    }
    const long = seconds === undefined ? '' : ` for ${seconds} s`;
    // Whatever the levels are.
    log.level = 'info';
    log.info(
      { event: 'log_level', from: level, to: next, ...(seconds !== undefined && { for_s: seconds }) },
      `the log level is ${next} now${long}: ${why}`,
    );
    log.level = level = next;
  };
  return {
    log,
    get level() {
      return level;
    },
    setLevel,
    levelState: () => ({
      level,
      left: back === undefined ? null : Math.max(0, Math.ceil((back.at - performance.now()) / 1000)),
      after: back?.to ?? null,
    }),
    cycle: (why) => setLevel(CYCLE[(CYCLE.indexOf(level) + 1) % CYCLE.length] ?? level, why),
    reopen: () => {
      if (file === undefined) return;
      try {
        file.reopen();
        log.info({ event: 'log_reopened', file: file.file }, 'the log file was opened anew');
      } catch (error) {
        log.error(
          { event: 'log_reopened', file: file.file, err: error },
          `the log file cannot be opened anew, so the one before is written to: ${readFailure(error)}`,
        );
      }
    },
    follow: async (next) => {
      const { log: wanted } = next.config;
      const isMoved = wanted.file !== config.file;
      const other = isMoved ? opened(next) : file;
      return {
        commit: async () => {
          const [before, last] = [config, file];
          [config, file] = [wanted, other];
          if (isMoved) last?.close();
          // Also where it is the level already: then it is so for good.
          if (wanted.level !== before.level && (wanted.level !== level || back !== undefined))
            setLevel(wanted.level, 'the configuration says so');
        },
        abandon: async () => {
          if (isMoved) other?.close();
        },
      };
    },
  };
};
