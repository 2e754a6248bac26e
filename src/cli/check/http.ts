import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Checklist } from '../../config/checklist.ts';
import { codeOf } from '../../config/files.ts';
import type { LoadedConfig } from '../../setup/types.ts';
import { listenFailure } from '../../telemetry/listen-failure.ts';
import { isOurs } from './running.ts';

/** Whether the HTTP address can be listened on, or a running instance of this very bridge does already. */
export const checkHttp = async (list: Checklist, { config }: LoadedConfig): Promise<void> => {
  if (config.http === undefined) return;
  const { host, port, given } = config.http;
  const path = ['http', 'listen'];
  const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  const server = createServer();
  try {
    server.listen(port, host);
    await once(server, 'listening');
    list.ok(path, `${address} is free`);
  } catch (error) {
    if (codeOf(error) === 'EADDRINUSE' && (await isOurs(`http://${address}`, config))) {
      list.ok(path, `${address} is listened on by this bridge, which runs`);
      return;
    }
    const message = `${address} ${listenFailure(error)}`;
    if (given) list.problem(path, message, 'find who listens there: ss -ltnp');
    else
      list.warning(
        path,
        `${message}; the bridge runs without metrics and health`,
        'give http.listen another port',
      );
  } finally {
    server.close();
  }
};
