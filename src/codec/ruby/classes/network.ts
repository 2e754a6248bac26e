import type { RubyValue } from '../value.ts';
import { scalarText } from './text.ts';

const INET = 2;

/**
 * `IPAddr#to_s`: the address without its mask.
 * @param zone `%eth0` of an IPv6 address, where it has one (ipaddr 1.2.3 and newer)
 */
export const addressText = (
  address: RubyValue | undefined,
  family: RubyValue | undefined,
  zone: RubyValue | undefined,
): string | undefined => {
  const text = withoutZone(address, family);
  return text === undefined || family === INET ? text : `${text}${scalarText(zone) ?? ''}`;
};

const withoutZone = (address: RubyValue | undefined, family: RubyValue | undefined): string | undefined => {
  if (typeof address !== 'number' && typeof address !== 'bigint') return undefined;
  const bits = BigInt(address);
  const isV4 = family === INET;
  if (bits < 0n || bits >> (isV4 ? 32n : 128n) !== 0n) return undefined;
  const part = (index: number, width: bigint): number =>
    Number((bits >> (BigInt(index) * width)) & ((1n << width) - 1n));
  if (isV4) return [3, 2, 1, 0].map((index) => part(index, 8n)).join('.');
  const groups = [7, 6, 5, 4, 3, 2, 1, 0].map((index) => part(index, 16n).toString(16)).join(':');
  const short = withoutZeros(groups);
  const mapped = /^::(ffff:)?([\da-f]{1,4}):([\da-f]{1,4})$/.exec(short);
  if (mapped === null) return short;
  const [, prefix = '', high = '', low = ''] = mapped;
  const bytes = [high, low].flatMap((group) => [parseInt(group, 16) >> 8, parseInt(group, 16) & 0xff]);
  return `::${prefix}${bytes.join('.')}`;
};

/** As ipaddr.rb does it: the first of the longest runs of zeros. */
const withoutZeros = (groups: string): string => {
  for (let count = 8; count > 1; count--) {
    const run = new RegExp(`\\b${Array(count).fill('0').join(':')}\\b`);
    if (run.test(groups)) return groups.replace(run, ':').replace(/:{2,}/, '::').replace(/^:$/, '::');
  }
  return groups;
};

const PORTS: ReadonlyMap<string, number> = new Map([
  ['http', 80],
  ['https', 443],
  ['ftp', 21],
  ['ldap', 389],
  ['ldaps', 636],
  ['ws', 80],
  ['wss', 443],
]);

/** `URI::Generic#to_s`. @param part a variable's value by its name */
export const uriText = (part: (name: string) => RubyValue | undefined): string => {
  const text = (name: string): string | undefined => {
    const value = part(name);
    return value === null || value === undefined ? undefined : scalarText(value);
  };
  const around = (before: string, name: string, after = ''): string => {
    const value = text(name);
    return value === undefined ? '' : `${before}${value}${after}`;
  };
  const end = around('#', 'fragment');
  const opaque = text('opaque');
  if (opaque !== undefined) return `${around('', 'scheme', ':')}${opaque}${end}`;
  const user = text('user');
  const login = user === undefined ? '' : `${user}${around(':', 'password')}@`;
  const port = text('port');
  const isUsual = port === undefined || port === String(PORTS.get(text('scheme') ?? ''));
  const host = text('host');
  const slashes = host !== undefined || text('scheme') === 'file' ? '//' : '';
  const path = `${text('path') ?? ''}${around(';type=', 'typecode')}`;
  const rooted = host !== undefined && path !== '' && !path.startsWith('/') ? `/${path}` : path;
  return `${around('', 'scheme', ':')}${slashes}${login}${host ?? ''}${isUsual ? '' : `:${port}`}${rooted}${around('?', 'query')}${end}`;
};
