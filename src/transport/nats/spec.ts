import type { Link } from '../link.ts';
import { type ConnectOptions, type LinkPlace, type LinkSide, type LinkSpec, networkId } from '../spec.ts';
import { grantOf } from './grant.ts';
import { createNatsLink } from './link.ts';
import type { NatsLinkOptions } from './options.ts';

export type NatsSettings = Omit<NatsLinkOptions, 'onEvent' | 'clock' | 'failFast'>;

/** Users, certificates and keys are of an account each, and accounts do not hear each other. */
const networkOf = ({ servers, user, token, nkeySeed, credentials, tls }: NatsSettings): string =>
  networkId(
    // One port takes a client with TLS and one without.
    servers.map((url) => url.replace(/^tls:/, 'nats:')),
    [user, token, nkeySeed, credentials, tls?.cert],
  );

/** The link of one side to NATS servers. */
class NatsSpec implements LinkSpec {
  readonly name: string;
  readonly side: LinkSide;
  readonly transport = 'nats';
  readonly settings: NatsSettings;
  readonly servers: readonly string[];
  readonly network: string;
  readonly grantOf = grantOf;

  constructor({ name, side }: LinkPlace, settings: NatsSettings) {
    this.name = name;
    this.side = side;
    this.settings = settings;
    this.servers = settings.servers;
    this.network = networkOf(settings);
  }

  connect(options: ConnectOptions): Link {
    return createNatsLink({ ...this.settings, ...options });
  }

  alone(server: number): LinkSpec {
    return new NatsSpec(this, { ...this.settings, servers: this.servers.slice(server, server + 1) });
  }
}

export const natsSpec = (place: LinkPlace, settings: NatsSettings): LinkSpec => new NatsSpec(place, settings);

/** How a link connects to NATS, for whoever goes there by other means; undefined for one that goes elsewhere. */
export const natsSettingsOf = (spec: LinkSpec): NatsSettings | undefined =>
  spec instanceof NatsSpec ? spec.settings : undefined;
