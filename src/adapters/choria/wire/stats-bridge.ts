import { Rejection } from '../../../envelope/rejection.ts';
import { isObject, type JsonObject } from './fields.ts';
import { cleanText, count, moment } from './stats-fields.ts';

/** What a translating broker adds to the document, under the key `bridge`. */
export interface BridgeStats {
  readonly identity: string;
  /** Unix seconds when the document was made. */
  readonly time: number | undefined;
  /** Seconds between documents; undefined where they are not published at intervals. */
  readonly interval: number | undefined;
  /** Messages that were refused, by reason. */
  readonly rejected: ReadonlyMap<string, number>;
  /** Messages whose ttl ended while they waited for a broker. */
  readonly expired: number;
  /** RPC errors that the bridge itself answered with. */
  readonly errors: number;
  /** Requests that wait for a reply of a node that was named. */
  readonly inFlight: number;
  readonly routes: readonly RouteStats[];
  readonly links: readonly LinkStats[];
}

export interface RouteStats {
  readonly from: string;
  readonly to: string;
  /** Requests taken and passed on. */
  readonly requests: { readonly received: number; readonly sent: number };
  /** Node targets of the requests passed on; a broadcast counts as one. */
  readonly targets: number;
  readonly replies: { readonly received: number; readonly sent: number };
}

export interface LinkStats {
  readonly name: string;
  readonly side: string;
  readonly up: boolean;
  readonly server: string | undefined;
  /** Why it is down. */
  readonly reason: string | undefined;
  readonly buffered: number;
}

export const writeBridge = (bridge: BridgeStats): JsonObject => ({
  identity: bridge.identity,
  time: bridge.time,
  interval: bridge.interval,
  rejected: Object.fromEntries(bridge.rejected),
  expired: bridge.expired,
  errors: bridge.errors,
  in_flight: bridge.inFlight,
  routes: bridge.routes,
  links: bridge.links,
});

/** Routes, links and reasons of one bridge; its publisher must not decide how much is shown of it. */
const MAX_ENTRIES = 1000;

const checkLength = (entries: number, what: string): void => {
  if (entries > MAX_ENTRIES)
    throw new Rejection(
      'limit_exceeded',
      `${what} has ${entries} entries, and at most ${MAX_ENTRIES} are read`,
    );
};

const list = (value: unknown, what: string): readonly JsonObject[] => {
  if (value === undefined) return [];
  if (!Array.isArray(value) || !value.every(isObject))
    throw new Rejection('invalid_field', `${what} is no list of objects`);
  checkLength(value.length, what);
  return value;
};

const counts = (value: unknown, what: string): ReadonlyMap<string, number> => {
  if (value === undefined) return new Map();
  if (!isObject(value)) throw new Rejection('invalid_field', `${what} is no object`);
  const entries = Object.entries(value);
  checkLength(entries.length, what);
  return new Map(
    entries.map(([key, n]) => [cleanText(key, what), count(n, `${cleanText(key, what)} in ${what}`)]),
  );
};

const optional = (value: unknown, what: string): string | undefined => {
  const text = cleanText(value, what);
  return text === '' ? undefined : text;
};

const inAndOut = (value: unknown, what: string): { readonly received: number; readonly sent: number } => {
  const found = counts(value, what);
  return { received: found.get('received') ?? 0, sent: found.get('sent') ?? 0 };
};

/**
 * @param value what is under `bridge`; documents of other brokers have nothing there
 * @throws Rejection `invalid_field` or `limit_exceeded`
 */
export const readBridge = (value: unknown, what: string): BridgeStats | undefined => {
  if (value === undefined || value === null) return undefined;
  if (!isObject(value)) throw new Rejection('invalid_field', `the bridge of ${what} is no object`);
  const of = (key: string): string => `the ${key} in bridge of ${what}`;
  const interval = count(value['interval'], of('interval'));
  return {
    identity: cleanText(value['identity'], of('identity')),
    time: moment(value['time'], of('time')),
    interval: interval === 0 ? undefined : interval,
    rejected: counts(value['rejected'], of('rejected')),
    expired: count(value['expired'], of('expired')),
    errors: count(value['errors'], of('errors')),
    inFlight: count(value['in_flight'], of('in_flight')),
    routes: list(value['routes'], of('routes')).map((route) => ({
      from: cleanText(route['from'], of('routes')),
      to: cleanText(route['to'], of('routes')),
      requests: inAndOut(route['requests'], of('routes')),
      targets: count(route['targets'], of('routes')),
      replies: inAndOut(route['replies'], of('routes')),
    })),
    links: list(value['links'], of('links')).map((link) => ({
      name: cleanText(link['name'], of('links')),
      side: cleanText(link['side'], of('links')),
      up: link['up'] === true,
      server: optional(link['server'], of('links')),
      reason: optional(link['reason'], of('links')),
      buffered: count(link['buffered'], of('links')),
    })),
  };
};
