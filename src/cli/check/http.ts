import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Checklist } from '../../config/checklist.ts';
import { codeOf } from '../../config/files.ts';
import type { ListenAddress } from '../../config/listen.ts';
import type { KeyPath } from '../../config/problem.ts';
import { consolesOf } from '../../setup/consoles.ts';
import type { LoadedConfig } from '../../setup/types.ts';
import { listenFailure } from '../../telemetry/listen-failure.ts';
import { addressText } from '../../transport/address.ts';
import { isOurPage, isOurs } from './running.ts';

/** Whether an address can be had. @returns why not */
const failureOf = async ({ host, port }: ListenAddress): Promise<unknown> => {
  const server = createServer();
  try {
    server.listen(port, host);
    await once(server, 'listening');
    return undefined;
  } catch (error) {
    return error;
  } finally {
    server.close();
  }
};

/**
 * Tells of an address that is free, or that this very bridge has.
 * @param isOwn whether it is this bridge that listens at a URL
 * @returns why it cannot be had, which is not told yet
 */
const addressFault = async (
  list: Checklist,
  path: KeyPath,
  address: ListenAddress,
  isOwn: (url: string) => Promise<boolean>,
): Promise<string | undefined> => {
  const text = addressText(address);
  const failure = await failureOf(address);
  if (failure === undefined) list.ok(path, `${text} is free`);
  else if (codeOf(failure) === 'EADDRINUSE' && (await isOwn(`http://${text}`)))
    list.ok(path, `${text} is listened on by this bridge, which runs`);
  else return `${text} ${listenFailure(failure)}`;
  return undefined;
};

const WHO = 'find who listens there: ss -ltnp';

/** Whether the HTTP address can be listened on, or a running instance of this very bridge does already. */
export const checkHttp = async (list: Checklist, { config }: LoadedConfig): Promise<void> => {
  const { http } = config;
  if (http === undefined) return;
  const path = ['http', 'listen'];
  const fault = await addressFault(list, path, http, (url) => isOurs(url, config));
  if (fault === undefined) return;
  if (http.given) list.problem(path, fault, WHO);
  else
    list.warning(
      path,
      `${fault}; the bridge runs without metrics and health`,
      'give http.listen another port',
    );
};

/** By which ingresses the live page can ask. @param origin the page's, unless it is opened through a tunnel of another port */
const checkConsole = (list: Checklist, config: LoadedConfig['config'], origin: string): void => {
  const open = new Set(consolesOf(config).map(({ ingress }) => ingress));
  for (const [name, { adapter }] of config.ingresses) {
    if (adapter.pageAccess === undefined) continue;
    const path = ['ingresses', name];
    if (adapter.pageAccess.origins.includes(origin)) list.ok(path, `the live page has a console for ${name}`);
    else if (open.has(name))
      list.warning(
        path,
        `the live page has a console for ${name}, which does not take pages of ${origin}`,
        `add ${origin} to origins, or open the page by an origin that is there`,
      );
    else list.ok(path, `the live page has no console for ${name}; with ${origin} in origins it has one`);
  }
};

/** The same of the address of the live page. */
export const checkPage = async (list: Checklist, { config }: LoadedConfig): Promise<void> => {
  const { page } = config;
  if (page === undefined) return;
  const path = ['page', 'listen'];
  checkConsole(list, config, `http://${addressText(page)}`);
  const fault = await addressFault(list, path, page, (url) => isOurPage(url, config));
  if (fault !== undefined) list.problem(path, fault, WHO);
};
