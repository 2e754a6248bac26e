import { isLoopback } from '../config/loopback.ts';
import { endsOf } from './ends.ts';
import type { Config } from './types.ts';

/** An ingress by which the live page can ask. */
export interface Console {
  readonly ingress: string;
  /** Where a browser connects: `wss://mcbridge.example.net:8443` */
  readonly url: string;
}

/** Whether a page of that origin may be the live page, which is asked for by names of this machine; by any port, for tunnels. */
const mayBeLivePage = (origin: string): boolean => {
  const { protocol, hostname } = new URL(origin);
  return protocol === 'http:' && isLoopback(hostname);
};

/** Those that take the live page, by their lists of origins. */
export const consolesOf = (config: Pick<Config, 'ingresses' | 'routes'>): readonly Console[] =>
  [...config.ingresses].flatMap(([ingress, { adapter }]) => {
    const { pageAccess } = adapter;
    if (pageAccess === undefined || endsOf(ingress, 'ingress', config).length === 0) return [];
    return pageAccess.origins.some(mayBeLivePage) ? [{ ingress, url: pageAccess.url }] : [];
  });
