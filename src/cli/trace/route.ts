import { directedDestination, replyDestination } from '../../adapters/mcollective/wire/addressing.ts';
import type { Hop } from '../../envelope/message.ts';

/** One station of a message's way. */
export type Station =
  | { readonly kind: 'client' | 'broker' | 'node'; readonly name: string }
  | { readonly kind: 'server'; readonly url: string }
  /** Where nothing is recorded, but the protocol leaves no choice. */
  | { readonly kind: 'destination'; readonly name: string; readonly header?: string };

/** The way of a request and of its reply, in order. */
export interface Route {
  readonly out: readonly Station[];
  readonly back: readonly Station[];
  /** Whether the node is behind a translating bridge, which has recorded its hop for it. */
  readonly legacy: boolean;
}

export interface Traced {
  readonly client: string;
  readonly node: string;
  readonly collective: string;
  readonly trail: readonly Hop[];
}

const isStomp = (url: string | undefined): boolean => url?.startsWith('stomp') === true;

const sameStation = (a: Station | undefined, b: Station): boolean =>
  a?.kind === 'server' && b.kind === 'server' && a.url === b.url;

const server = (url: string | undefined): readonly Station[] =>
  url === undefined || url === '' ? [] : [{ kind: 'server', url }];

/** A broker of Go names its workers too: `name (choria_nats_ingest:0, …)`. */
const stations = (hops: readonly Hop[]): readonly Station[] =>
  hops.flatMap(([from, broker = '', to]) => [
    ...server(from),
    { kind: 'broker', name: broker.replace(/ \(.*\)$/, '') } as const,
    ...server(to),
  ]);

/** The client's own hop: Ruby's `[client, server]`, Go's `[server, client, server]`. */
const isOfClient = (hop: Hop | undefined, client: string): boolean =>
  hop?.[0] === client || hop?.[1] === client;

/** The server between two hops is in both of them, and counts once. */
const joined = (...parts: readonly (readonly Station[])[]): readonly Station[] => {
  const all = parts.flat();
  return all.filter((station, at) => !sameStation(all[at - 1], station));
};

/** A message's way to a node and back, from its trail. */
export const routeOf = ({ client, node, collective, trail }: Traced): Route => {
  const own = isOfClient(trail[0], client) ? trail[0] : undefined;
  const hops = own === undefined ? trail : trail.slice(1);
  const start = [{ kind: 'client', name: client } as const, ...server(own?.at(-1))];
  const end = { kind: 'client', name: client } as const;
  const there = { kind: 'node', name: node } as const;
  const at = hops.findIndex(([, name]) => name === node);
  const before = at === -1 ? hops : hops.slice(0, at);
  const after = at === -1 ? [] : hops.slice(at + 1);
  const [from, , to] = at === -1 ? [] : (hops[at] ?? []);
  if (!isStomp(from))
    return {
      legacy: false,
      out: joined(start, stations(before), server(from), [there]),
      back: joined([there], server(to), stations(after), [end]),
    };
  const cluster = after[0]?.[1]?.split(':')[0] ?? '';
  return {
    legacy: true,
    out: joined(start, stations(before), server(from), [
      { kind: 'destination', name: directedDestination(collective), header: `mc_identity: ${node}` },
      there,
    ]),
    back: joined(
      [there, { kind: 'destination', name: replyDestination(collective, cluster, '<reply token>') }],
      server(to),
      stations(after),
      [end],
    ),
  };
};
