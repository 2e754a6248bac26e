import { type LinkPlace, type LinkSpec, networkId } from '../spec.ts';
import { grantOf } from './grant.ts';
import { createNatsLink } from './link.ts';
import type { NatsLinkOptions } from './options.ts';

export type NatsSettings = Omit<NatsLinkOptions, 'onEvent' | 'clock' | 'failFast'>;

/** Settings of the specs that were made here, for whoever connects to the same servers by other means than a link. */
const known = new WeakMap<LinkSpec, NatsSettings>();

/** How a link connects to NATS; undefined for one that goes elsewhere. */
export const natsSettingsOf = (spec: LinkSpec): NatsSettings | undefined => known.get(spec);

/** Users, certificates and keys are of an account each, and accounts do not hear each other. */
const networkOf = ({ servers, user, token, nkeySeed, credentials, tls }: NatsSettings): string =>
  networkId(
    // One port takes a client with TLS and one without.
    servers.map((url) => url.replace(/^tls:/, 'nats:')),
    [user, token, nkeySeed, credentials, tls?.cert],
  );

/** The link of one side to NATS servers. */
export const natsSpec = ({ name, side }: LinkPlace, settings: NatsSettings): LinkSpec => {
  const spec: LinkSpec = {
    name,
    side,
    transport: 'nats',
    settings,
    servers: settings.servers,
    network: networkOf(settings),
    connect: (options) => createNatsLink({ ...settings, ...options }),
    alone: (server) =>
      natsSpec({ name, side }, { ...settings, servers: settings.servers.slice(server, server + 1) }),
    grantOf,
  };
  known.set(spec, settings);
  return spec;
};
