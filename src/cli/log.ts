import { type DestinationStream, type Logger, pino, stdTimeFunctions } from 'pino';
import { prettyFactory } from 'pino-pretty';
import { cut, MAX_SENTENCE_BYTES } from '../envelope/text.ts';
import type { LogConfig } from '../setup/types.ts';
import { lineFields } from './log-fields.ts';
import { createLogSink, type LogStream } from './log-sink.ts';
import { canColour, escapeControls } from './terminal.ts';

export interface LoggerOptions extends LogConfig {
  /** Where lines go; a terminal has `isTTY`. It and the format may change. */
  readonly stream: LogStream & { readonly isTTY?: boolean };
  /** In every line. */
  readonly identity: string;
  readonly cluster: string;
  readonly instance: string;
  /** For `pretty`; default: whether the stream is a terminal and NO_COLOR is not set. */
  readonly colour?: boolean;
  /** Called when lines begin to be lost: the disk is full, or the reader is gone. */
  readonly onLoss?: (error: Error) => void;
}

// Secrets are of a class that never shows itself; this is for the plain text that link options hold.
const SECRETS = ['password', 'passcode', 'token', 'clusterKey', 'privateKey', 'key'];
const REDACT = SECRETS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);

/**
 * A JSON line whose texts, once they are read, hold no escapes that a terminal would obey: they quote what strangers
 * sent. Line feeds stay, stacks have them; in JSON they and tabs are written in a shorter form than the rest.
 */
const inert = (line: string): string =>
  line
    .replace(/\\u00[01][0-9a-f]/g, '\\$&')
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}](?!$)/gu, (character) => `\\${escapeControls(character)}`);

const shortened = <T>(part: T): T | string =>
  typeof part === 'string' ? cut(part, MAX_SENTENCE_BYTES) : part;

/** JSON, one line an event; with colours where a person reads along. No line is longer than a message may make it. */
export const createLogger = (options: LoggerOptions): Logger => {
  const { level, stream, identity, cluster, instance, onLoss } = options;
  const isForPeople = (): boolean =>
    options.format === 'pretty' || (options.format === 'auto' && stream.isTTY === true);
  const prettyWith = (colorize: boolean) =>
    prettyFactory({
      colorize,
      ignore: 'event,identity,cluster,instance',
      translateTime: 'SYS:yyyy-mm-dd HH:MM:ss.l',
      singleLine: true,
    });
  const [coloured, plain] = [prettyWith(true), prettyWith(false)];
  const render = (line: string): string => {
    if (!isForPeople()) return line;
    return ((options.colour ?? canColour(stream)) ? coloured : plain)(inert(line));
  };
  const make = (destination: DestinationStream): Logger =>
    pino(
      {
        level,
        base: { identity, cluster, instance },
        timestamp: stdTimeFunctions.isoTime,
        redact: { paths: REDACT, censor: '[secret]' },
        formatters: { level: (label) => ({ level: label }), log: lineFields },
        // Errors are fields by then.
        serializers: { err: (error: unknown) => error },
        hooks: {
          logMethod(line, method) {
            const [fields, message, ...rest] = line;
            method.apply(this, [shortened(fields), shortened(message), ...rest]);
          },
        },
      },
      destination,
    );
  const sink = createLogSink({
    stream,
    line: (sentence) => {
      let text = '';
      const one = make({
        write: (line) => {
          text = render(line);
        },
      });
      one.warn({ event: 'log_lost' }, sentence);
      return text;
    },
    ...(onLoss && { onLoss }),
  });
  return make({ write: (line) => sink(render(line)) });
};
