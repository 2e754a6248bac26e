import type { IncomingMessage } from 'node:http';
import { isLoopback } from '../config/loopback.ts';

/**
 * The page takes all that it shows from where it came from, and no page of another may hold it in a frame.
 * https://www.w3.org/TR/CSP3/
 */
const SAFE_HEADERS = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'cache-control': 'no-store',
} as const;

const POLICY =
  "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'";

/** @param doors what it may connect to beside: URLs of WebSockets */
export const safeHeaders = (doors: readonly string[]): Readonly<Record<string, string>> => ({
  ...SAFE_HEADERS,
  'content-security-policy': doors.length === 0 ? POLICY : `${POLICY}; connect-src 'self' ${doors.join(' ')}`,
});

/** The name of a header Host, without its port. */
const NAME = /^(\[[\da-f:.]+\]|[^:]+)(?::\d{1,5})?$/i;

/**
 * Whether a browser was sent here by a name of this machine itself, or by one that the configuration has. Else another's name
 * may have been made to lead here (DNS rebinding), and that one's scripts would read the page as their own. Ports are left out of
 * account: tunnels and proxies have other ones.
 * @param hosts undefined: all of this machine
 */
export const isOwnHost = (
  { headersDistinct: { host = [] } }: IncomingMessage,
  hosts: readonly string[] | undefined,
): boolean => {
  if (host.length !== 1) return false;
  const name = NAME.exec(host[0] ?? '')?.[1]?.toLowerCase();
  return name !== undefined && (hosts?.includes(name) ?? isLoopback(name));
};

/** Whether an origin is that of the page itself, by whatever scheme: a proxy may speak TLS for it. */
const isOwnOrigin = (origin: string, host: string | undefined): boolean => {
  if (!URL.canParse(origin)) return false;
  const { protocol, host: asked } = new URL(origin);
  const own = `${protocol}//${host}`;
  return URL.canParse(own) && new URL(own).host === asked;
};

/**
 * Whether a page of another origin asks: it would not see the answer, but could hold streams open. Browsers say so
 * (https://www.w3.org/TR/fetch-metadata/), and where they ask for more than they may, in the header Origin
 * (https://fetch.spec.whatwg.org/#origin-header); programs do not, and are no danger.
 */
export const isForeign = ({ headers }: IncomingMessage): boolean => {
  const { 'sec-fetch-site': site, origin, host } = headers;
  if (origin !== undefined && !isOwnOrigin(origin, host)) return true;
  return site !== undefined && site !== 'same-origin' && site !== 'none';
};
