import { isLoopback } from '../config/loopback.ts';
import { endsOf } from './ends.ts';
import { pageHostsOf } from './page-login.ts';
import type { Config } from './types.ts';

/** An ingress by which the live page can ask. */
export interface Console {
  readonly ingress: string;
  /** Where a browser connects: `wss://mcbridge.example.net:8443` */
  readonly url: string;
}

/** Whether a page of that origin may be the live page, by whatever port: tunnels and proxies have others. */
const mayBeLivePage = (origin: string, hosts: readonly string[] | undefined): boolean => {
  const { protocol, hostname } = new URL(origin);
  return hosts === undefined ? protocol === 'http:' && isLoopback(hostname) : hosts.includes(hostname);
};

/** Those that take the live page, by their lists of origins. */
export const consolesOf = (config: Pick<Config, 'page' | 'ingresses' | 'routes'>): readonly Console[] => {
  const hosts = pageHostsOf(config);
  return [...config.ingresses].flatMap(([ingress, { adapter }]) => {
    const { pageAccess } = adapter;
    if (pageAccess === undefined || endsOf(ingress, 'ingress', config).length === 0) return [];
    return pageAccess.origins.some((it) => mayBeLivePage(it, hosts))
      ? [{ ingress, url: pageAccess.url }]
      : [];
  });
};
