/** `mcbridge`: a bridge inside another program. `mcbridge run` is made of the same parts. */
import { type App, createApp as createWholeApp } from '../app/app.ts';
import type { Services } from '../app/services.ts';
import { version } from '../app/version.ts';
import type { Environment } from '../config/substitute.ts';
import { loadWithAdapters } from '../setup/load-registry.ts';
import type { LoadedConfig } from '../setup/types.ts';
import { startHttp } from '../telemetry/http.ts';

export type { App, AppNodes, AppStatus } from '../app/app.ts';
export { version } from '../app/version.ts';
export type { Counts } from '../bridge/stats.ts';
export { ConfigError, ConfigUnreadable, formatProblem, type Problem } from '../config/problem.ts';
export type { Environment } from '../config/substitute.ts';
export type { Log, LogFields } from '../envelope/log.ts';
export type { LogEvent } from '../envelope/log-events.ts';
export type {
  About,
  BridgeObserver,
  Claimed,
  EgressSilence,
  LeftAlone,
  NodesSilence,
  Refusal,
  RequestSummary,
  RouteId,
  Stage,
  Step,
  UnreadReplies,
} from '../envelope/observer.ts';
export type { Cause, LinkStatus } from '../envelope/port.ts';
export {
  REJECTION_CODES,
  Rejection,
  type RejectionCode,
  type RejectionContext,
} from '../envelope/rejection.ts';
export type { Config, LoadedConfig } from '../setup/types.ts';
export type { Health } from '../telemetry/health.ts';
export type { StatusDocument } from '../telemetry/status/document.ts';
export { type Link, LinkError, type LinkErrorCode } from '../transport/link.ts';
export type { ConnectOptions, LinkSpec } from '../transport/spec.ts';
export type { Transports } from '../transport/transports.ts';

export interface AppOptions
  extends Pick<Services, 'log' | 'clock' | 'instance' | 'workers' | 'observers' | 'transports'> {
  /** Whether the address of `http.listen` is served, where the configuration has one; it is unless this is false. */
  readonly http?: boolean;
}

/**
 * Reads, checks and completes a configuration. The code that it names under `adapters` is run.
 * @param file bridge.yaml; paths in it are relative to its folder
 * @param env what `${NAME}` in it stands for; the environment of the process unless given
 * @throws ConfigUnreadable where there is no such file
 * @throws ConfigError with every problem of the file
 */
export const loadConfig = (file: string, env: Environment = process.env): Promise<LoadedConfig> =>
  loadWithAdapters(file, env);

/**
 * The app that a configuration describes. Nothing is connected before its `start()`.
 * @throws ConfigError for a file that the configuration names and that cannot be used
 */
export const createApp = (loaded: LoadedConfig, { http = true, ...services }: AppOptions): App =>
  createWholeApp(loaded, { ...services, version: version(), ...(http && { http: startHttp }) });
