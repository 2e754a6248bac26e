import { request as ask, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { request as askSecurely, type RequestOptions } from 'node:https';
import { onTestFinished } from 'vitest';

export interface Answered {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

type Headers = Readonly<Record<string, string>>;

/** Over TLS where `ca` is given. */
export type Way = Pick<RequestOptions, 'ca' | 'cert' | 'key' | 'localAddress' | 'agent'>;

const sent = (
  port: number,
  path: string,
  headers: Headers,
  method: string,
  way: Way,
): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const request = (way.ca === undefined ? ask : askSecurely)({
      ...way,
      host: '127.0.0.1',
      port,
      path,
      method,
      headers: { connection: 'close', ...headers },
    });
    request.once('response', resolve);
    request.once('error', reject);
    request.end();
  });

/** With whatever Host a test wants, which `fetch` does not let it say. */
export const get = async (
  port: number,
  path: string,
  headers: Headers = {},
  method = 'GET',
  way: Way = {},
): Promise<Answered> => {
  const response = await sent(port, path, headers, method, way);
  // Of a stream, which has no end, its beginning is all that is asked for.
  if (String(response.headers['content-type']).startsWith('text/event-stream')) response.destroy();
  const chunks: Buffer[] = [];
  if (!response.destroyed) for await (const chunk of response) chunks.push(chunk);
  return {
    status: response.statusCode,
    headers: response.headers,
    body: Buffer.concat(chunks).toString(),
  };
};

export interface Told {
  readonly id?: string;
  readonly event: string;
  // biome-ignore lint/suspicious/noExplicitAny: what a page is told is looked at key by key
  readonly data: any;
}

const toldOf = (block: string): Told => {
  const fields = new Map(
    block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
  );
  const id = fields.get('id');
  return {
    ...(id !== undefined && { id }),
    event: fields.get('event') ?? '',
    data: JSON.parse(fields.get('data') ?? 'null'),
  };
};

/** The events of a page, as they come. */
export const listen = async (port: number, headers: Headers = {}, way: Way = {}) => {
  const response = await sent(port, '/events', headers, 'GET', way);
  const told: Told[] = [];
  let rest = '';
  const ended = new Promise<void>((resolve) => response.once('close', resolve));
  response.on('error', () => undefined);
  response.on('data', (chunk: Buffer) => {
    const blocks = `${rest}${chunk.toString()}`.split('\n\n');
    rest = blocks.pop() ?? '';
    told.push(...blocks.map(toldOf));
  });
  onTestFinished(() => void response.destroy());
  return { status: response.statusCode, headers: response.headers, told, ended, response };
};
