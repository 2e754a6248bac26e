import { z } from 'zod';
import { field, seconds } from '../config/fields.ts';

/** Where metrics and health are served over HTTP. */
export interface HttpConfig {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  /** The file says so. Where the address is only the default, a bridge runs on without when it is taken. */
  readonly given: boolean;
}

/** The documents that each instance publishes on the federation network. */
export interface StatisticsConfig {
  /** Seconds between them; 0 is off. */
  readonly interval: number;
}

/** Choria's example for `plugin.choria.stats_port`, and only for this machine. */
const DEFAULT_HTTP: HttpConfig = { host: '127.0.0.1', port: 8222, given: false };
/** As the Ruby Federation Broker. */
const DEFAULT_STATISTICS: StatisticsConfig = { interval: 10 };

const ADDRESS = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})$/;

/** `off` is what YAML 1.1 and people call false. */
const listen = () =>
  field(
    'an address and a port such as 127.0.0.1:8222 or [::1]:8222, or off',
    (value): HttpConfig | 'off' | undefined => {
      if (value === 'off' || value === false || value === 'false') return 'off';
      const [, address, name, port] = (typeof value === 'string' && ADDRESS.exec(value)) || [];
      const host = address ?? name;
      if (host === undefined || Number(port) > 65_535) return undefined;
      return { host, port: Number(port), given: true };
    },
    { type: ['string', 'boolean'] },
  );

export const http = () =>
  z
    .strictObject({ listen: listen().optional() })
    .default({})
    .transform(({ listen = DEFAULT_HTTP }): HttpConfig | undefined =>
      listen === 'off' ? undefined : listen,
    );

export const statistics = () =>
  z
    .strictObject({ interval: seconds(0, 3600).default(DEFAULT_STATISTICS.interval) })
    .default(DEFAULT_STATISTICS);
