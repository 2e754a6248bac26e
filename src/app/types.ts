import type { Counts } from '../bridge/stats.ts';
import type { KnownNodes } from '../capture/record/transports.ts';
import type { BridgeObserver } from '../envelope/observer.ts';
import type { LinkStatus } from '../envelope/port.ts';
import type { Move } from '../nodes/inventory.ts';
import type { LoadedConfig } from '../setup/types.ts';
import type { Health } from '../telemetry/health.ts';
import type { StatusDocument } from '../telemetry/status/document.ts';
import type { CertificateEnd } from './files/certificates.ts';
import type { RefusedFiles } from './files/watch.ts';
import type { ConfigurationStatus, Reload } from './reloads.ts';

/** A bridge with all its parts: it is made, started, changed, stopped, and monitored here. */
export interface App {
  /**
   * Links try for ever, so this may outlast the app's life: then it rejects.
   * @returns once the app takes requests on all sides
   * @throws ConfigError where metrics and health cannot be served
   */
  start(): Promise<void>;
  /**
   * Applies another configuration while it works, and loses nothing. Links whose settings stay the same stay connected;
   * requests in flight keep the rules that they came in by; counters and known nodes stay.
   * @returns once it uses all links that can be reached
   * @throws ConfigError for what cannot be used, or not without a restart: then nothing has changed
   */
  apply(loaded: LoadedConfig): Promise<void>;
  /**
   * Reads the configuration anew and applies it; one at a time. Never rejects: what cannot be used changes nothing, is logged,
   * and is told of by `status`.
   * @param cause who or what asks for it: `SIGHUP`
   */
  reload(cause: string): Promise<Reload>;
  /** Files that are written to, and were moved away, are left: others are begun at their names. */
  reopen(): void;
  /** Takes no new work, waits for what is in flight, at most the drain timeout, then ends all that it has begun. */
  stop(): Promise<void>;
  status(): AppStatus;
  /** How it is in full, for people and tools. */
  document(): StatusDocument;
  /** Where nodes live. */
  readonly nodes: AppNodes;
  /** @returns ends it */
  observe(observer: Partial<BridgeObserver>): () => void;
}

/** What an app knows about where nodes live. */
export interface AppNodes extends KnownNodes {
  /** Takes over what another app has learned. */
  moved(move: Move): void;
}

export interface AppStatus {
  readonly health: Health;
  readonly links: readonly LinkStatus[];
  readonly inFlight: number;
  readonly counts: Counts;
  readonly configuration: ConfigurationStatus;
  /** Seconds that a stop waits at most for what is in flight. */
  readonly drainTimeout: number;
  /** Changed files that cannot be used: those before them are in force. */
  readonly refusedFiles: readonly RefusedFiles[];
  /** When certificates end that links, ingresses and egresses use. */
  readonly certificates: readonly CertificateEnd[];
}
