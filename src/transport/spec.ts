import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Link, LinkListener, Right } from './link.ts';

/** On which side of the bridge a link is. */
export type LinkSide = 'ingress' | 'egress';

/** Where a link belongs: the ingress or egress of that name. */
export interface LinkPlace {
  readonly name: string;
  readonly side: LinkSide;
}

export interface ConnectOptions {
  readonly onEvent: LinkListener;
  /** Ms since the epoch; `Date.now` unless given. */
  readonly clock?: () => number;
  /** Whether it gives up after one round through its servers. */
  readonly failFast?: boolean;
  /** What the link is by now, asked before each attempt: certificates, keys and passwords may be others. */
  readonly current?: () => LinkSpec;
}

/** What a link is: where it leads, and as whom. Each transport makes its own; only it looks into its settings. */
export interface LinkSpec extends LinkPlace {
  /** `nats` or `stomp`, or the name of an adapter's own transport. */
  readonly transport: string;
  /** Data that can be compared: another value is another link. */
  readonly settings: object;
  /** URLs of the servers, without credentials. */
  readonly servers: readonly string[];
  /**
   * Which network it leads to, so far as settings say: the same for two links to which the same messages come. A hash, since
   * a login may tell networks apart: other accounts of a server may be others.
   */
  readonly network: string;
  /** Files that say which of its servers' certificates are revoked, where it has any. */
  readonly lists?: readonly string[];
  /** A link that is not yet open. */
  connect(options: ConnectOptions): Link;
  /** Whether the other leads to the same place in the same way, and only proves by something else who it is, or trusts others. */
  isRenewedBy?(other: LinkSpec): boolean;
  /**
   * Why its certificates and keys cannot be used, or do not fit together; undefined where they do. No secret is in it.
   * @param now ms since the epoch
   */
  fault?(now: number): string | undefined;
  /** The same to one of its servers, by its place in the list: a pool hides that one of it is dead. */
  alone(server: number): LinkSpec;
  /** What to write into the broker's configuration so that it grants a right. */
  grantOf(right: Right): string;
}

export const isSamePlace = (
  one: Record<keyof LinkPlace, string>,
  other: Record<keyof LinkPlace, string>,
): boolean => one.name === other.name && one.side === other.side;

export const isSameLink = (one: LinkSpec, other: LinkSpec): boolean =>
  isSamePlace(one, other) &&
  one.transport === other.transport &&
  isDeepStrictEqual(one.settings, other.settings);

/** A `network`, of servers in any order and of what logs in there. */
export const networkId = (servers: readonly string[], login: readonly (string | undefined)[]): string =>
  createHash('sha256')
    .update(JSON.stringify([servers.toSorted(), login.map((it) => it ?? null)]))
    .digest('base64url');
