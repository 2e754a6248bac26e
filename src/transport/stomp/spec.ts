import { isDeepStrictEqual } from 'node:util';
import type { Link } from '../link.ts';
import { type ConnectOptions, type LinkPlace, type LinkSide, type LinkSpec, networkId } from '../spec.ts';
import { tlsFault } from '../tls/fault.ts';
import { grantOf } from './grant.ts';
import { createStompLink } from './link.ts';
import type { StompLinkOptions } from './options.ts';
import { STOMP_WORDS } from './words.ts';

export type StompSettings = Omit<StompLinkOptions, 'onEvent' | 'clock' | 'failFast' | 'fresh'>;

/** Settings without what a connection proves and checks identities with. */
const withoutSecrets = ({ login: _, passcode: __, servers, ...rest }: StompSettings): object => ({
  ...rest,
  servers: servers.map(({ tls, ...server }) => ({ ...server, isTls: tls !== undefined })),
});

/** The link of one side to STOMP brokers. */
class StompSpec implements LinkSpec {
  readonly name: string;
  readonly side: LinkSide;
  readonly transport = 'stomp';
  readonly settings: StompSettings;
  readonly servers: readonly string[];
  readonly network: string;
  readonly lists: readonly string[];
  readonly grantOf = grantOf;

  constructor({ name, side }: LinkPlace, settings: StompSettings, servers: readonly string[]) {
    this.name = name;
    this.side = side;
    this.settings = settings;
    this.servers = servers;
    this.network = networkId(servers, [settings.login]);
    this.lists = [...new Set(settings.servers.flatMap(({ tls }) => tls?.revocation?.files ?? []))];
  }

  connect({ current, ...options }: ConnectOptions): Link {
    const settingsNow = (): StompSettings => {
      const spec = current?.();
      return spec instanceof StompSpec ? spec.settings : this.settings;
    };
    return createStompLink({
      clock: Date.now,
      ...this.settings,
      ...options,
      ...(current && { fresh: settingsNow }),
    });
  }

  isRenewedBy(other: LinkSpec): boolean {
    return (
      other instanceof StompSpec &&
      isDeepStrictEqual(withoutSecrets(this.settings), withoutSecrets(other.settings))
    );
  }

  fault(now: number): string | undefined {
    const tls = this.settings.servers.find((server) => server.tls !== undefined)?.tls;
    if (this.settings.passcode === '') return `${this.name}: the password is empty`;
    return tls && tlsFault(tls, STOMP_WORDS, this.name, now);
  }

  alone(server: number): LinkSpec {
    return new StompSpec(
      this,
      { ...this.settings, servers: this.settings.servers.slice(server, server + 1) },
      this.servers.slice(server, server + 1),
    );
  }
}

/**
 * The link of one side to STOMP brokers.
 * @param servers their URLs, in the order of the settings
 */
export const stompSpec = (place: LinkPlace, settings: StompSettings, servers: readonly string[]): LinkSpec =>
  new StompSpec(place, settings, servers);
