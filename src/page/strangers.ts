import { createHash } from 'node:crypto';
import { isIPv6 } from 'node:net';
import { LRUCache } from 'lru-cache';

/** Proofs of one address that may fail in a minute, and addresses that are remembered at once. */
const MAX_FAILURES = 20;
const WINDOW_MS = 60_000;
const MAX_ADDRESSES = 1_024;
/** Tokens that are known to be good, by their hashes. */
const MAX_TOKENS = 256;
/** Addresses that are told of in a minute. */
const MAX_TOLD = 10;

interface Failures {
  readonly since: number;
  count: number;
}

/** Who has an address of IPv6 has 2^64 of them. */
const networkOf = (address: string): string => {
  if (!isIPv6(address) || address.includes('.')) return address;
  const [before = '', after = ''] = address.split('::');
  const [first, last] = [before.split(':'), after.split(':')].map((groups) =>
    groups.filter((it) => it !== ''),
  );
  const missing = Math.max(0, 8 - (first?.length ?? 0) - (last?.length ?? 0));
  return [...(first ?? []), ...Array<string>(missing).fill('0'), ...(last ?? [])].slice(0, 4).join(':');
};

const hashOf = (token: string): string => createHash('sha256').update(token).digest('base64');

/** Counts proofs that fail, by address: who guesses has so many a minute, and those with a token that was good before go on. */
export class Strangers {
  readonly #clock: () => number;
  readonly #failures = new LRUCache<string, Failures>({ max: MAX_ADDRESSES });
  readonly #good = new LRUCache<string, true>({ max: MAX_TOKENS });
  #told: Failures = { since: 0, count: 0 };

  /** @param clock ms since the epoch */
  constructor(clock: () => number) {
    this.#clock = clock;
  }

  /** Seconds for which no token of that address is looked at; undefined where it is. */
  barred(address: string, token: string): number | undefined {
    const now = this.#clock();
    const found = this.#failures.get(networkOf(address));
    if (found === undefined || found.count < MAX_FAILURES || now - found.since >= WINDOW_MS) return undefined;
    if (this.#good.has(hashOf(token))) return undefined;
    return Math.ceil((found.since + WINDOW_MS - now) / 1000);
  }

  good(token: string): void {
    this.#good.set(hashOf(token), true);
  }

  /** @returns whether it is to be told: of each address the first in a minute, and of few addresses */
  failed(address: string): boolean {
    const now = this.#clock();
    const network = networkOf(address);
    const found = this.#failures.get(network);
    const isNew = found === undefined || now - found.since >= WINDOW_MS;
    if (isNew) this.#failures.set(network, { since: now, count: 1 });
    else found.count++;
    if (now - this.#told.since >= WINDOW_MS) this.#told = { since: now, count: 0 };
    return isNew && ++this.#told.count <= MAX_TOLD;
  }

  /** Addresses that are remembered. */
  get size(): number {
    return this.#failures.size;
  }
}
