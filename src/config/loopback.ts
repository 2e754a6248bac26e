import { isIPv4, isIPv6 } from 'node:net';

const NAMES: ReadonlySet<string> = new Set(['localhost', '::1', '[::1]']);

/** By which a browser reaches what listens on this machine, as its header Host has them. */
const LOOPBACK_HOSTS: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];

/**
 * Whether only this machine reaches an address: a name that begins as one may be another machine's (`127.example.net`).
 * @param host without its port, in brackets or not, as a URL or a configuration has it
 */
export const isLoopback = (host: string): boolean =>
  NAMES.has(host) || (isIPv4(host) && host.startsWith('127.'));

/** An address or a name as the header Host has it. */
const asHost = (host: string): string => (isIPv6(host) ? `[${host}]` : host.toLowerCase());

/** The names by which clients reach what listens there, as their header Host has them. @param host as a configuration has it */
export const hostsOf = (host: string): readonly string[] =>
  isLoopback(host) ? [...new Set([asHost(host), ...LOOPBACK_HOSTS])] : [asHost(host)];
