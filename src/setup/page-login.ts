import { isIP } from 'node:net';
import type { ClientProof } from '../adapters/descriptor.ts';
import { type Place, problemAt } from '../config/files.ts';
import { hostsOf, isLoopback } from '../config/loopback.ts';
import type { Problem } from '../config/problem.ts';
import type { PageConfig } from './page.ts';
import type { Config } from './types.ts';

/** How those who open the live page prove who they are; undefined where they need not. */
export const pageProofOf = ({
  page,
  ingresses,
}: Pick<Config, 'page' | 'ingresses'>): ClientProof | undefined =>
  page?.login && ingresses.get(page.login.ingress)?.adapter.proof;

/** Whether the live page speaks TLS. */
export const hasPageTls = (config: Pick<Config, 'page' | 'ingresses'>): boolean =>
  config.page?.login !== undefined &&
  (config.page.login.tls !== undefined || pageProofOf(config)?.hasTls === true);

/** The names by which a page with a login is reached, as the header Host has them; undefined: any of this machine. */
export const pageHostsOf = (config: Pick<Config, 'page' | 'ingresses'>): readonly string[] | undefined => {
  const { page } = config;
  if (page?.login === undefined) return undefined;
  if (page.login.hosts !== undefined) return page.login.hosts;
  return isLoopback(page.host) ? hostsOf(page.host) : pageProofOf(config)?.hosts;
};

/** A URL by which the page is opened, without a path. */
export const pageUrlsOf = (config: Pick<Config, 'page' | 'ingresses'>): readonly string[] => {
  const { page } = config;
  if (page === undefined) return [];
  const own = isIP(page.host) === 6 ? `[${page.host}]` : page.host;
  const scheme = hasPageTls(config) ? 'https' : 'http';
  return [...new Set(pageHostsOf(config) ?? [own])].map((host) => `${scheme}://${host}:${page.port}`);
};

const found = (page: PageConfig, config: Config, place: Place): Problem | undefined => {
  const { login } = page;
  if (login === undefined) return undefined;
  const those = [...config.ingresses].flatMap(([name, { adapter }]) => (adapter.proof ? [name] : []));
  const give =
    those.length === 0
      ? 'there is none here that can: docs/websocket.md has one'
      : `give ${those.join(' or ')}`;
  const ingress = config.ingresses.get(login.ingress);
  if (ingress === undefined)
    return problemAt(place, ['page', 'login'], `there is no ingress "${login.ingress}": ${give}`);
  const { proof } = ingress.adapter;
  if (proof === undefined)
    return problemAt(
      place,
      ['page', 'login'],
      `the ingress "${login.ingress}" cannot tell who opens a page, since its clients show neither a token nor a certificate when they connect: ${give}`,
    );
  if (isLoopback(page.host) || hasPageTls(config) || proof.isPlainAnywhere) return undefined;
  return problemAt(
    place,
    ['page', 'tls'],
    `is missing: ${login.ingress} has no tls either, and a token would go over the network in plain text: give cert and key`,
  );
};

/** What is wrong with a live page beside its ingresses. */
export const pageProblems = (config: Config, place: Place): readonly Problem[] => {
  const problem = config.page && found(config.page, config, place);
  return problem === undefined ? [] : [problem];
};
