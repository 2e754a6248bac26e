import { get } from 'node:http';
import { get as getSecurely } from 'node:https';
import { z } from 'zod';
import { ask } from '../../control/client.ts';
import type { Config } from '../../setup/types.ts';
import { addressText } from '../../transport/address.ts';

const stats = z.object({ instance: z.string() });
const who = z.object({ cluster: z.string(), instance: z.string() });

/** Ms. */
const TIMEOUT_MS = 3_000;

const documentAt = async (url: string): Promise<unknown> => {
  const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  return response.json();
};

/** Whether the HTTP server there is this bridge's own: the same instance. */
export const isOurs = async (url: string, { instance }: Pick<Config, 'instance'>): Promise<boolean> => {
  try {
    return stats.parse(await documentAt(`${url}/stats`)).instance === instance;
  } catch {
    return false;
  }
};

type Who = Pick<Config, 'cluster' | 'instance'>;

/** @param answer what somebody says who was asked who he is; who does not say it is another */
const isAnswerOf = async ({ cluster, instance }: Who, answer: Promise<unknown>): Promise<boolean> => {
  try {
    const found = who.parse(await answer);
    return found.cluster === cluster && found.instance === instance;
  } catch {
    return false;
  }
};

/** Whether the live page there is this bridge's own: of the same cluster and instance. */
export const isOurPage = (url: string, config: Who): Promise<boolean> =>
  isAnswerOf(config, documentAt(`${url}/who`));

/** Whether something asks there who it is, as a live page with a login does. Whose certificate it has is not asked. */
const asksWho = (url: string, host: string): Promise<boolean> =>
  new Promise((resolve) => {
    const options = { headers: { host }, timeout: TIMEOUT_MS, rejectUnauthorized: false };
    const request = (url.startsWith('https:') ? getSecurely : get)(`${url}/who`, options, (response) => {
      response.destroy();
      resolve(response.statusCode === 401 && response.headers['www-authenticate'] === 'Bearer');
    });
    request.once('timeout', () => request.destroy());
    request.once('error', () => resolve(false));
  });

/**
 * The same of one that tells nobody whose it is who has not proven who he is: a page asks so there, and the bridge runs.
 * @param host by which it is asked for
 */
export const isOurLoginPage = async (
  url: string,
  host: string,
  config: Config,
  socket: string | undefined,
): Promise<boolean> => (await asksWho(url, host)) && (await isRunning(config, socket));

/** The same of the bridge that takes orders at a control socket. */
export const isOurSocket = (file: string, config: Who): Promise<boolean> =>
  isAnswerOf(config, ask({ file, order: { order: 'status' }, timeoutMs: TIMEOUT_MS }));

/**
 * Whether this very bridge runs on this machine, as far as it can be asked.
 * @param socket the control socket of its configuration
 */
export const isRunning = async (config: Config, socket: string | undefined): Promise<boolean> =>
  (socket !== undefined && (await isOurSocket(socket, config))) ||
  (config.http !== undefined && (await isOurs(`http://${addressText(config.http)}`, config)));
