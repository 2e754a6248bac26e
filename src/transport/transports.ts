import type { Link } from './link.ts';
import type { ConnectOptions, LinkSpec } from './spec.ts';

/** Where links come from: real brokers, or whatever takes their place where there is no network. */
export interface Transports {
  open(spec: LinkSpec, options: ConnectOptions): Link;
}

export const BROKERS: Transports = { open: (spec, options) => spec.connect(options) };
