import type { Link } from '../link.ts';
import { proofFault } from '../proof/server-tls.ts';
import { type ConnectOptions, type LinkPlace, type LinkSide, type LinkSpec, networkId } from '../spec.ts';
import { WebSocketLink } from './link.ts';
import { urlOf, type WebSocketSettings } from './settings.ts';

/** The link to which the clients of one side come. It has no servers: it is one. */
class WebSocketSpec implements LinkSpec {
  readonly name: string;
  readonly side: LinkSide;
  readonly transport = 'ws';
  readonly settings: WebSocketSettings;
  readonly servers: readonly string[] = [];
  readonly network: string;
  readonly lists: readonly string[];

  constructor({ name, side }: LinkPlace, settings: WebSocketSettings) {
    this.name = name;
    this.side = side;
    this.settings = settings;
    this.network = networkId([urlOf(settings, settings.port)], [name]);
    this.lists = settings.tls?.revocation?.files ?? [];
  }

  connect(options: ConnectOptions): Link {
    return new WebSocketLink(this.settings, options);
  }

  fault(): string | undefined {
    return proofFault(this.settings, WORDS, this.name);
  }

  alone(): LinkSpec {
    return this;
  }

  /** Nobody grants it anything. */
  grantOf(): string {
    return '';
  }
}

const WORDS = {
  protocol: 'WebSocket',
  peer: 'a WebSocket client',
  plain: 'ws://',
  secure: 'wss://',
  credentials: 'clients or tokens',
  silentHint: '',
  loginHint: '',
};

export const webSocketSpec = (place: LinkPlace, settings: WebSocketSettings): LinkSpec =>
  new WebSocketSpec(place, settings);
