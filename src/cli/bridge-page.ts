import { get as getHttp } from 'node:http';
import { get as getHttps } from 'node:https';
import type { z } from 'zod';
import { quoted } from '../envelope/text.ts';
import type { HttpConfig } from '../setup/http.ts';
import { addressText } from '../transport/address.ts';
import { escapeControls } from './terminal.ts';
import { UsageError } from './usage.ts';

/** What a running bridge serves over HTTP. */
export interface PageKind<T> {
  /** `/inventory` */
  readonly path: string;
  /** What it is called: `inventory`. */
  readonly what: string;
  readonly schema: z.ZodType<T>;
  /** Bytes that an answer may have. */
  readonly longest: number;
}

const TIMEOUT_MS = 10_000;

/** No page could be had, and what to look at. */
export class NoPage extends Error {
  override readonly name = 'NoPage';
}

const ANY = new Map([
  ['0.0.0.0', '127.0.0.1'],
  ['::', '::1'],
]);

/**
 * Where the bridge of a configuration serves a page, as seen from its own machine.
 * @throws UsageError where the configuration does not say it
 */
export const urlOf = (http: HttpConfig | undefined, file: string, path: string): URL => {
  if (http === undefined)
    throw new UsageError(
      `http.listen is off in ${file}, and the running bridge is asked over HTTP: give http.listen an address such as 127.0.0.1:8222, and restart the bridge`,
    );
  if (http.port === 0)
    throw new UsageError(
      `http.listen in ${file} is any free port: give --url with the one that the bridge logged as "metrics and health over http"`,
    );
  const host = ANY.get(http.host) ?? http.host;
  return new URL(path, `http://${addressText({ host, port: http.port })}`);
};

/** @throws UsageError */
export const parseUrl = (text: string, path: string): URL => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol) || url.username !== '')
    throw new UsageError(`--url ${quoted(text)} is no address of a bridge: write http://127.0.0.1:8222`);
  return new URL(path, url);
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
const get = (url: URL, longest: number, signal?: AbortSignal): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const headers = { accept: 'application/json' };
    const ask = url.protocol === 'https:' ? getHttps : getHttp;
    const request = ask(url, { headers, agent: false, ...(signal && { signal }) }, (response) => {
      const chunks: Buffer[] = [];
      let length = 0;
      response.on('data', (chunk: Buffer) => {
        length += chunk.length;
        chunks.push(chunk);
        if (length > longest) response.destroy(new Error(`it answers with more than ${longest} bytes`));
      });
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }),
      );
    });
    const timer = setTimeout(
      () => request.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)),
      TIMEOUT_MS,
    );
    request.on('error', reject);
    request.on('close', () => clearTimeout(timer));
  });

/** `a status`, `an inventory` */
const withArticle = (what: string): string => `${/^[aeiou]/.test(what) ? 'an' : 'a'} ${what}`;

/**
 * Asks a running bridge.
 * @param start how it would be started, for who has not
 * @throws NoPage
 */
export const fetchPage = async <T>(
  kind: PageKind<T>,
  url: URL,
  start: string,
  signal?: AbortSignal,
): Promise<T> => {
  const { status, body } = await get(url, kind.longest, signal).catch((error: unknown) => {
    throw new NoPage(
      `no bridge answers at ${url.href}: ${escapeControls(reasonOf(error))}\nIs it running (${start})? Does its log say "metrics and health over http" with this address?`,
      { cause: error },
    );
  });
  if (status !== 200)
    throw new NoPage(
      `${url.href} answers with HTTP status ${status}: it is not a bridge, or one of a version without ${withArticle(kind.what)}`,
    );
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch (error) {
    throw new NoPage(`${url.href} answers with what is no JSON: is that a bridge?`, { cause: error });
  }
  const result = kind.schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const where = issue === undefined || issue.path.length === 0 ? 'it' : issue.path.map(String).join('.');
  throw new NoPage(
    `${url.href} answers with what is no ${kind.what}: ${escapeControls(where)}: ${escapeControls(issue?.message ?? 'invalid')}`,
  );
};
