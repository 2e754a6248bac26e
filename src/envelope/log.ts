import type { LogEvent } from './log-events.ts';

/** What a line says beside its sentence. */
export type LogFields = Readonly<Record<string, unknown>> & {
  /** For programs that read the log. */
  readonly event: LogEvent;
};

/** What the bridge needs of a logger; pino's fits. */
export interface Log {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  /** Whether lines of a level are written at all. */
  isLevelEnabled?(level: 'debug' | 'info'): boolean;
}

const ignore = (): void => undefined;

/** Writes nothing. */
export const SILENT_LOG: Log = { debug: ignore, info: ignore, warn: ignore, error: ignore };
