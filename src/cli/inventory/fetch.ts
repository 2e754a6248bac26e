import { get as getHttp } from 'node:http';
import { get as getHttps } from 'node:https';
import { quoted } from '../../envelope/text.ts';
import { type InventoryDocument, inventoryDocument } from '../../nodes/document.ts';
import type { HttpConfig } from '../../setup/http.ts';
import { harmless } from '../terminal.ts';
import { UsageError } from '../usage.ts';

export const PATH = '/inventory';

/** Ms. */
const PATIENCE = 10_000;
/** Bytes; some ten times what a full inventory takes. */
const LONGEST = 256 * 1024 ** 2;

/** No inventory could be had, and what to look at; exit code 1. */
export class NoInventory extends Error {
  override readonly name = 'NoInventory';
}

const ANY = new Map([
  ['0.0.0.0', '127.0.0.1'],
  ['::', '::1'],
]);

/**
 * Where the bridge of a configuration serves its inventory, as seen from its own machine.
 * @throws UsageError where the configuration does not say it
 */
export const urlOf = (http: HttpConfig | undefined, file: string): URL => {
  if (http === undefined)
    throw new UsageError(
      `http.listen is off in ${file}, and the running bridge is asked over HTTP: give http.listen an address such as 127.0.0.1:8222, and restart the bridge`,
    );
  if (http.port === 0)
    throw new UsageError(
      `http.listen in ${file} is any free port: give --url with the one that the bridge logged as "metrics and health over http"`,
    );
  const host = ANY.get(http.host) ?? http.host;
  return new URL(PATH, `http://${host.includes(':') ? `[${host}]` : host}:${http.port}`);
};

/** @throws UsageError */
export const parseUrl = (text: string): URL => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol) || url.username !== '')
    throw new UsageError(`--url ${quoted(text)} is no address of a bridge: write http://127.0.0.1:8222`);
  return new URL(PATH, url);
};

/** What a socket's error says; one for several addresses has only a code. */
const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error ? String(error.code) : '';
  return code === 'ECONNREFUSED' ? 'connection refused' : error.message || code;
};

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** Not by `fetch`: that of Node 20 never settles where the other side hangs up at once. */
const get = (url: URL): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const headers = { accept: 'application/json' };
    const ask = url.protocol === 'https:' ? getHttps : getHttp;
    const request = ask(url, { headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      let length = 0;
      response.on('data', (chunk: Buffer) => {
        length += chunk.length;
        chunks.push(chunk);
        if (length > LONGEST) response.destroy(new Error(`it answers with more than ${LONGEST} bytes`));
      });
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }),
      );
    });
    const timer = setTimeout(
      () => request.destroy(new Error(`no answer within ${PATIENCE / 1000} s`)),
      PATIENCE,
    );
    request.on('error', reject);
    request.on('close', () => clearTimeout(timer));
  });

/**
 * Asks a running bridge.
 * @param start how it would be started, for who has not
 * @throws NoInventory
 */
export const fetchInventory = async (url: URL, start: string): Promise<InventoryDocument> => {
  const { status, body } = await get(url).catch((error: unknown) => {
    throw new NoInventory(
      `no bridge answers at ${url.href}: ${harmless(reasonOf(error))}\nIs it running (${start})? Does its log say "metrics and health over http" with this address?`,
      { cause: error },
    );
  });
  if (status !== 200)
    throw new NoInventory(
      `${url.href} answers with HTTP status ${status}: it is not a bridge, or one of a version without an inventory`,
    );
  return parse(body, url);
};

const parse = (body: string, url: URL): InventoryDocument => {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch (error) {
    throw new NoInventory(`${url.href} answers with what is no JSON: is that a bridge?`, { cause: error });
  }
  const result = inventoryDocument.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const where = issue === undefined || issue.path.length === 0 ? 'it' : issue.path.map(String).join('.');
  throw new NoInventory(
    `${url.href} answers with what is no inventory: ${harmless(where)}: ${harmless(issue?.message ?? 'invalid')}`,
  );
};
