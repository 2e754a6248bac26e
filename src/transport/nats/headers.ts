import { quoted } from '../../envelope/text.ts';
import { LinkError } from '../link.ts';

/** What stands before every block of headers (NATS ADR-4); a status may follow it on its line. */
const VERSION = 'NATS/1.0';

export interface NatsHeaders {
  /** E.g. 503 in the server's notice that nobody listens. */
  readonly status: number | undefined;
  readonly fields: Readonly<Record<string, string>>;
}

/** The first value of each name; what is no header is left out. */
export const decodeHeaders = (block: Buffer): NatsHeaders => {
  const [first = '', ...lines] = block.toString('utf8').split('\r\n');
  const fields = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon);
    if (colon > 0 && !fields.has(name)) fields.set(name, line.slice(colon + 1).trim());
  }
  const status = /^NATS\/1\.0\s+(\d{3})\b/.exec(first)?.[1];
  return {
    status: status === undefined ? undefined : Number(status),
    fields: Object.fromEntries(fields),
  };
};

/** @throws LinkError `protocol` for a name or a value that would end its line */
export const encodeHeaders = (fields: Readonly<Record<string, string>>): Buffer => {
  let text = `${VERSION}\r\n`;
  for (const [name, value] of Object.entries(fields)) {
    if (!/^[!-9;-~]+$/.test(name) || /[\r\n]/.test(value))
      throw new LinkError('protocol', `NATS cannot carry the header ${quoted(name)}`);
    text += `${name}: ${value}\r\n`;
  }
  return Buffer.from(`${text}\r\n`);
};
