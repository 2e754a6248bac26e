import { ask } from '../../control/client.ts';
import { OrderRefused } from '../../control/protocol.ts';
import { SocketError } from '../../control/unix-socket.ts';
import { type StatusDocument, statusDocument } from '../../telemetry/status/document.ts';
import { fetchPage, NoPage, type PageKind, parseUrl } from '../bridge-page.ts';
import { type ControlOptions, socketOf } from '../control.ts';
import { UsageError } from '../usage.ts';

export interface SourceOptions extends ControlOptions {
  readonly url?: string;
}

/** No status could be had; a sentence says why. */
export class NoStatus extends Error {
  override readonly name = 'NoStatus';
}

const PAGE: PageKind<StatusDocument> = {
  path: '/status',
  what: 'status',
  schema: statusDocument,
  longest: 16 * 1024 ** 2,
};

const asNoStatus = (error: unknown): unknown =>
  error instanceof NoPage || error instanceof SocketError || error instanceof OrderRefused
    ? new NoStatus(error.message, { cause: error })
    : error;

const byUrl = (text: string): Ask => {
  const url = parseUrl(text, PAGE.path);
  return (signal) => fetchPage(PAGE, url, 'mcbridge run --config bridge.yaml', signal);
};

const bySocket = (options: ControlOptions): Ask => {
  const file = socketOf(options);
  return async (signal) => {
    const order = { order: 'status' };
    const answer = statusDocument.safeParse(await ask({ file, order, ...(signal && { signal }) }));
    if (answer.success) return answer.data;
    throw new NoStatus(`what answers at ${file} is a bridge of another version: its status cannot be read`);
  };
};

type Ask = (signal?: AbortSignal) => Promise<StatusDocument>;

/**
 * How a bridge is asked, each time anew.
 * @returns rejects with {@link NoStatus} where nobody answers
 * @throws UsageError, ConfigError, ConfigUnreadable
 */
export const sourceOf = ({ url, ...options }: SourceOptions): Ask => {
  if (url !== undefined && (options.config !== undefined || options.socket !== undefined))
    throw new UsageError(
      '--url asks over HTTP, --config and --socket at the control socket: give one of them',
    );
  const source = url === undefined ? bySocket(options) : byUrl(url);
  return async (signal) => {
    try {
      return await source(signal);
    } catch (error) {
      throw asNoStatus(error);
    }
  };
};
