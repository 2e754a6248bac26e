import { z } from 'zod';
import { field, seconds, setting } from '../config/fields.ts';
import { type ListenAddress, readListen } from '../config/listen.ts';

/** Where metrics and health are served over HTTP. */
export interface HttpConfig extends ListenAddress {
  /** The file says so. Where the address is only the default, a bridge runs on without when it is taken. */
  readonly given: boolean;
}

/** Choria's example for `plugin.choria.stats_port`, and only for this machine. */
const DEFAULT_HTTP: HttpConfig = { host: '127.0.0.1', port: 8222, given: false };
/** As the Ruby Federation Broker. */
const DEFAULT_STATISTICS = { interval: 10 };

const listen = () =>
  field(
    'an address and a port such as 127.0.0.1:8222 or [::1]:8222, or off',
    (value): HttpConfig | 'off' | undefined => {
      const address = readListen(value);
      return typeof address === 'object' ? { ...address, given: true } : address;
    },
    { type: ['string', 'boolean'] },
  );

export const http = () =>
  z
    .strictObject({
      listen: setting('where metrics and health are served; there is no login', listen().optional(), {
        default: `${DEFAULT_HTTP.host}:${DEFAULT_HTTP.port}`,
      }),
    })
    .default({})
    .transform(({ listen = DEFAULT_HTTP }): HttpConfig | undefined =>
      listen === 'off' ? undefined : listen,
    );

export const statistics = () =>
  z
    .strictObject({
      interval: setting(
        'how often each instance publishes its document on the federation network; 0 is off',
        seconds(0, 3600).default(DEFAULT_STATISTICS.interval),
      ),
    })
    .default(DEFAULT_STATISTICS);
