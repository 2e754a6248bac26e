import { type LinkPlace, type LinkSpec, networkId } from '../spec.ts';
import { grantOf } from './grant.ts';
import { createStompLink } from './link.ts';
import type { StompLinkOptions } from './options.ts';

export type StompSettings = Omit<StompLinkOptions, 'onEvent' | 'clock' | 'failFast'>;

/**
 * The link of one side to STOMP brokers.
 * @param servers their URLs, in the order of the settings
 */
export const stompSpec = (
  { name, side }: LinkPlace,
  settings: StompSettings,
  servers: readonly string[],
): LinkSpec => ({
  name,
  side,
  transport: 'stomp',
  settings,
  servers,
  network: networkId(servers, [settings.login]),
  connect: (options) => createStompLink({ clock: Date.now, ...settings, ...options }),
  alone: (server) =>
    stompSpec(
      { name, side },
      { ...settings, servers: settings.servers.slice(server, server + 1) },
      servers.slice(server, server + 1),
    ),
  grantOf,
});
