import { quoted } from '../../envelope/text.ts';
import { LinkError } from '../link.ts';
import { CR, LF, type StompVersion, unescapeHeader } from './frame.ts';

export interface Head {
  readonly command: string;
  readonly headers: Readonly<Record<string, string>>;
}

const COMMAND = /^[A-Z]{1,20}$/;
const COMMAND_BEGINS = /^[A-Z]{1,20}(\r?\n|\r?$)/;

/** Where a head's last line ends, and where the body starts after the empty line; undefined while it has not come. */
export const endOfHead = (
  data: Buffer,
  from: number,
): { readonly head: number; readonly body: number } | undefined => {
  for (let lf = data.indexOf(LF, from); lf !== -1; lf = data.indexOf(LF, lf + 1)) {
    if (data[lf + 1] === LF) return { head: lf, body: lf + 2 };
    if (data[lf + 1] === CR && data[lf + 2] === LF) return { head: lf, body: lf + 3 };
  }
  return undefined;
};

/**
 * Looks at the first bytes of a head, so that a peer that does not speak STOMP is noticed at once.
 * @throws LinkError `protocol`
 */
export const checkBeginning = (data: Buffer, at: number): void => {
  const beginning = data.toString('latin1', at, at + 22);
  if (!COMMAND_BEGINS.test(beginning))
    throw new LinkError('protocol', `not a STOMP frame: it begins with ${excerpt(beginning)}`);
};

/**
 * @param version how headers are escaped; undefined before a version is agreed on
 * @throws LinkError `protocol`
 */
export const parseHead = (text: string, version: StompVersion | undefined): Head => {
  // Before a version is agreed on the peer may be any, so both line ends are understood.
  const crlf = version === undefined || version === '1.2';
  const [command, ...lines] = text.split('\n').map((l) => (crlf && l.endsWith('\r') ? l.slice(0, -1) : l));
  if (command === undefined || !COMMAND.test(command))
    throw new LinkError('protocol', `not a STOMP frame: it begins with ${excerpt(text)}`);
  const headers: Record<string, string> = Object.create(null);
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon < 1) throw new LinkError('protocol', `a ${command} frame has the header line ${excerpt(line)}`);
    const name = unescapeHeader(line.slice(0, colon), command, version);
    // Of repeated headers the first counts (STOMP 1.2, "Repeated Header Entries").
    if (!(name in headers)) headers[name] = unescapeHeader(line.slice(colon + 1), command, version);
  }
  return { command, headers };
};

/** A piece of what the peer sent, short and safe to log. */
export const excerpt = (text: string): string => quoted(text.length > 40 ? `${text.slice(0, 40)}…` : text);
