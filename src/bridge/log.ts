/** What the bridge needs of a logger; pino's fits. */
export interface Log {
  debug(fields: Readonly<Record<string, unknown>>, message: string): void;
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
  /** Whether lines of a level are written at all. */
  isLevelEnabled?(level: 'debug'): boolean;
}
