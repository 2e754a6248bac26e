import { fileProblem, type ReadFile } from '../config/files.ts';
import { type Exchange, Held, NO_EXCHANGE, prepareAll } from '../control/held.ts';
import type { ControlServer, Orders } from '../control/server.ts';
import { errorText } from '../envelope/text.ts';
import type { LoadedConfig } from '../setup/types.ts';
import type { HttpServer } from '../telemetry/http.ts';
import type { Monitor } from '../telemetry/monitor.ts';
import { addressText } from '../transport/address.ts';
import { serve } from './monitor.ts';
import type { AppPage } from './page.ts';
import type { Services } from './services.ts';

/** Where an app can be looked at, spoken to and listened to on this machine, by its configuration. */
export interface Outside {
  /**
   * All of another configuration, or nothing of it.
   * @param read reads the files that it names
   * @param also what goes with it
   * @throws ConfigError for a place that cannot be had: then nothing has changed
   */
  prepare(loaded: LoadedConfig, read: ReadFile, also?: () => Promise<Exchange>): Promise<Exchange>;
  close(): Promise<void>;
}

/** @throws ConfigError where the file says where, and it cannot be had there; else the bridge's work is more important */
const control = async (
  loaded: LoadedConfig,
  orders: Orders,
  { log, control: start, controlSocket }: Services,
): Promise<ControlServer | undefined> => {
  const given = loaded.config.controlSocket;
  const place = given ?? controlSocket;
  if (place === undefined || start === undefined) return undefined;
  try {
    return await start({ file: place, orders, log });
  } catch (error) {
    const message = errorText(error);
    if (given !== undefined) throw fileProblem(loaded, ['control_socket'], message, error);
    log.warn({ event: 'control', file: place }, `no orders can be given: ${message} (control_socket)`);
    return undefined;
  }
};

/** @param orders what the app itself carries out */
export const createOutside = (
  { monitor, page }: { readonly monitor: Monitor; readonly page: AppPage },
  orders: Orders,
  services: Services,
): Outside => {
  const http = new Held<HttpServer>();
  const socket = new Held<ControlServer>();
  const all: Orders = new Map([...orders, ...(services.orders ?? [])]);
  return {
    prepare: (loaded, read, also = async () => NO_EXCHANGE) =>
      prepareAll([
        also,
        async () => (await services.followLog?.(loaded)) ?? NO_EXCHANGE,
        () =>
          http.prepare(loaded.config.http && addressText(loaded.config.http), () =>
            serve(monitor, loaded, services),
          ),
        () => page.prepare(loaded, read),
        () =>
          socket.prepare(loaded.config.controlSocket ?? services.controlSocket, () =>
            control(loaded, all, services),
          ),
        ...(services.recordings ?? []).map(
          (recording) => async () => (await recording.follow?.(loaded)) ?? NO_EXCHANGE,
        ),
      ]),
    close: async () => {
      await http.close();
      await page.close();
      await socket.close();
    },
  };
};
