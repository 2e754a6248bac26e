import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import {
  type Egress,
  type Link,
  type LinkEvent,
  type Pattern,
  type ReadableReply,
  type ReadableReplyAddress,
  type Rejection,
  readableReply,
} from 'mcbridge/adapter';
import { createHttpEgress } from '../../../examples/http-egress/egress.js';
import { HttpLink } from '../../../examples/http-egress/link.js';
import type { HttpLinkSettings } from '../../../examples/http-egress/settings.js';
import { SETTINGS } from './echo.ts';

export const CLUSTER = 'prod';
export const BRIDGE = 'bridge.example.net';
export const newKey = () => createSecretKey(randomBytes(32));
const ONE_KEY = newKey();

export interface EgressOptions {
  readonly clock?: () => number;
  readonly callers?: readonly Pattern[];
  readonly tokenKey?: KeyObject;
  readonly otherTokenKeys?: () => readonly KeyObject[];
}

/** An egress of one cluster, not started. */
export const makeEgress = (
  link: Link,
  { clock = Date.now, callers, tokenKey = ONE_KEY, otherTokenKeys }: EgressOptions = {},
): Egress =>
  createHttpEgress({
    name: 'api',
    link,
    identity: BRIDGE,
    cluster: CLUSTER,
    tokenKey,
    otherTokenKeys,
    clock,
    callers,
    discoveryCaller: `mcbridge=${BRIDGE}`,
  });

export interface Refused {
  readonly rejection: Rejection;
  readonly home: ReadableReplyAddress | undefined;
  readonly broadcast: boolean | undefined;
}

/** A started egress before a server, and what it hands over. */
export interface Started {
  readonly egress: Egress;
  readonly replies: readonly ReadableReply[];
  readonly refused: readonly Refused[];
  readonly events: readonly LinkEvent[];
}

/** @param url of the server */
export const startEgress = async (
  url: string,
  settings: Partial<HttpLinkSettings> = {},
  options: EgressOptions = {},
): Promise<Started> => {
  const events: LinkEvent[] = [];
  const link = new HttpLink(
    { ...SETTINGS, connections: 4, ...settings, servers: [url] },
    { onEvent: (event) => events.push(event), ...(options.clock && { clock: options.clock }) },
  );
  const egress = makeEgress(link, options);
  const replies: ReadableReply[] = [];
  const refused: Refused[] = [];
  await egress.start({
    reply: (reply) => void replies.push(readableReply(reply)),
    rejected: (rejection, home, broadcast) => void refused.push({ rejection, home, broadcast }),
  });
  return { egress, replies, refused, events };
};
