import { isDeepStrictEqual } from 'node:util';
import type { Link } from '../link.ts';
import { type ConnectOptions, type LinkPlace, type LinkSide, type LinkSpec, networkId } from '../spec.ts';
import { grantOf } from './grant.ts';
import { createNatsLink } from './link.ts';
import type { NatsLinkOptions } from './options.ts';
import { secretsFault, withoutSecrets } from './secrets.ts';

export type NatsSettings = Omit<NatsLinkOptions, 'onEvent' | 'clock' | 'failFast' | 'fresh'>;

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
  readonly lists: readonly string[];
  readonly grantOf = grantOf;

  constructor({ name, side }: LinkPlace, settings: NatsSettings) {
    this.name = name;
    this.side = side;
    this.settings = settings;
    this.servers = settings.servers;
    this.network = networkOf(settings);
    this.lists = settings.tls?.revocation?.files ?? [];
  }

  connect({ current, ...options }: ConnectOptions): Link {
    const fresh = current && (() => natsSettingsOf(current()) ?? this.settings);
    return createNatsLink({ ...this.settings, ...options, ...(fresh && { fresh }) });
  }

  isRenewedBy(other: LinkSpec): boolean {
    const settings = natsSettingsOf(other);
    return (
      settings !== undefined && isDeepStrictEqual(withoutSecrets(this.settings), withoutSecrets(settings))
    );
  }

  fault(now: number): string | undefined {
    return secretsFault(this.settings, this.name, now);
  }

  alone(server: number): LinkSpec {
    return new NatsSpec(this, { ...this.settings, servers: this.servers.slice(server, server + 1) });
  }
}

export const natsSpec = (place: LinkPlace, settings: NatsSettings): LinkSpec => new NatsSpec(place, settings);

/** How a link connects to NATS, for code that connects by other means; undefined for other links. */
export const natsSettingsOf = (spec: LinkSpec): NatsSettings | undefined =>
  spec instanceof NatsSpec ? spec.settings : undefined;
