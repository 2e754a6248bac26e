import {
  type Auth,
  type ConnectionOptions,
  connect,
  type NatsConnection,
  type Server,
  setTransportFactory,
} from '@nats-io/transport-node';
import { nodeResolveHost } from '@nats-io/transport-node/lib/node_transport.js';
import { LinkFailures } from '../failure/failure.ts';
import { LinkError } from '../link.ts';
import { loginAt } from './login.ts';
import type { NatsLinkSettings } from './options.ts';
import { Rotation } from './rotation.ts';
import { refreshed } from './secrets.ts';
import { addressOf, type NatsServerAddress } from './server.ts';
import { type Dialled, type Dialler, LinkTransport } from './transport.ts';

export interface RoundsHooks {
  /** A connection that stood is gone. */
  readonly onEnd: (reason: LinkError) => void;
}

/** Bytes that the client joins before it writes: few, large writes. Its types hide the option. */
const PENDING_LIMIT_BYTES = 1024 * 1024;

/** The process has one factory of transports. Other users set another, so it is set before every attempt. */
const setFactory = (): void =>
  setTransportFactory({ factory: () => new LinkTransport(), dnsResolveFn: nodeResolveHost });

/** The attempts of one link, or of the claims, at their servers: in turn, with pauses between rounds; each is reported. */
export class Rounds implements Dialler {
  /** Those of the last attempt. */
  settings: NatsLinkSettings;
  readonly signal: AbortSignal;
  readonly #hooks: RoundsHooks;
  readonly #servers: ReadonlyMap<string, NatsServerAddress>;
  readonly #rotation: Rotation;
  /** Of the first round, until a connection stands. */
  #errors: LinkError[] = [];
  #current:
    | { readonly transport: LinkTransport; readonly server: Server; readonly address: NatsServerAddress }
    | undefined;
  #since = 0;
  #hasStood = false;
  #isGivenUp = false;
  /** Why there is no connection. */
  reason = 'not opened yet';

  constructor(
    servers: readonly NatsServerAddress[],
    settings: NatsLinkSettings,
    signal: AbortSignal,
    hooks: RoundsHooks,
  ) {
    this.settings = settings;
    this.signal = signal;
    this.#hooks = hooks;
    this.#servers = new Map(servers.map((server) => [server.listen, server]));
    this.#rotation = new Rotation([...this.#servers.keys()], settings.backoff);
  }

  /** Tries until a connection stands. @throws LinkError with `failFast`, after the first round, or when the link closes */
  async connect(): Promise<NatsConnection> {
    const { name, pingInterval, connectTimeout, backoff } = this.settings;
    const options: ConnectionOptions & Dialled & { readonly pendingLimit: number } = {
      servers: [...this.#servers.keys()],
      name,
      pingInterval,
      // The transport ends a connection on which nothing comes; a PONG may be behind megabytes.
      maxPingOut: Number.POSITIVE_INFINITY,
      noRandomize: true,
      // Node resolves names as it connects, and errors of that are told like others.
      resolve: false,
      waitOnFirstConnect: true,
      maxReconnectAttempts: -1,
      ignoreAuthErrorAbort: true,
      reconnectDelayHandler: () => 0,
      reconnectToServer: (servers) => this.#next(servers),
      authenticator: (nonce) => this.#login(nonce),
      // Transports are in time by themselves; their pauses count here.
      timeout: 2 * (backoff.max + connectTimeout),
      pendingLimit: PENDING_LIMIT_BYTES,
      // It would keep a stack for each request.
      noAsyncTraces: true,
      dialler: this,
    };
    const connecting = connect(options);
    setFactory();
    try {
      return await connecting;
    } catch (error) {
      if (this.signal.aborted) throw new LinkError('closed', 'the link is closed');
      const [first, ...others] = this.#errors;
      if (!this.#isGivenUp || first === undefined) throw error;
      throw others.length === 0 ? first : new LinkFailures(first, ...others);
    }
  }

  /** @returns where the connection goes that stands now, without credentials; undefined when it is gone already */
  stand(): string | undefined {
    const { transport, address } = this.#current ?? {};
    if (transport === undefined || address === undefined) return undefined;
    transport.stand();
    if (!transport.isStanding) return undefined;
    this.#since = performance.now();
    this.#hasStood = true;
    this.#errors = [];
    return address.url;
  }

  begin(
    server: Server,
    transport: LinkTransport,
  ): { readonly address: NatsServerAddress; readonly pause: number } {
    const address = this.#servers.get(server.src) ?? addressOf(server, [...this.#servers.values()]);
    this.#current = { transport, server, address };
    this.settings = refreshed(this.settings);
    return { address, pause: this.#rotation.takePause() };
  }

  failed(transport: LinkTransport, error: LinkError): void {
    const current = this.#current;
    if (this.signal.aborted || current?.transport !== transport) return;
    this.reason = error.message;
    const delay = this.#rotation.failed(current.server.src);
    if (this.settings.failFast && !this.#hasStood) {
      this.#errors.push(error);
      this.#isGivenUp = delay > 0;
      if (this.#isGivenUp) return;
    }
    const hint = error.hint();
    this.settings.onEvent({
      kind: 'retry',
      server: current.address.url,
      reason: error.message,
      ...(hint === undefined ? {} : { hint }),
      delay,
    });
  }

  ended(transport: LinkTransport, reason: LinkError): void {
    const current = this.#current;
    if (current?.transport !== transport) return;
    this.#rotation.lost(current.server.src, performance.now() - this.#since);
    this.#hooks.onEnd(reason);
  }

  /** @throws to end the client's attempts */
  #next(servers: readonly Server[]): Server | null {
    if (this.signal.aborted || this.#isGivenUp) throw new Error('no more attempts');
    setFactory();
    // A caller that fails fast asks about these servers, not about those that they announce.
    const isAsking = this.settings.failFast && !this.#hasStood;
    return this.#rotation.next(isAsking ? servers.filter(({ src }) => this.#servers.has(src)) : servers);
  }

  #login(nonce: string | undefined): Auth {
    const current = this.#current;
    if (current === undefined) return undefined;
    try {
      return loginAt(current.address, this.settings, nonce);
    } catch (error) {
      // Without its own login, this client must not be let in as another user.
      current.transport.abandon(error);
      return undefined;
    }
  }
}
