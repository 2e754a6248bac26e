import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Checklist } from '../../config/checklist.ts';
import { codeOf } from '../../config/files.ts';
import type { ListenAddress } from '../../config/listen.ts';
import type { KeyPath } from '../../config/problem.ts';
import type { LoadedConfig } from '../../setup/types.ts';
import { listenFailure } from '../../telemetry/listen-failure.ts';
import { addressText } from '../../transport/address.ts';
import { isOurs } from './running.ts';

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
export const addressFault = async (
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

export const WHO = 'find who listens there: ss -ltnp';

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
