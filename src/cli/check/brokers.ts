import { fileReader } from '../../config/files.ts';
import { natsLinkOptions, stompLinkOptions } from '../../config/link-options.ts';
import type { LoadedConfig } from '../../config/load.ts';
import type { KeyPath } from '../../config/problem.ts';
import type { EgressConfig, IngressConfig, Named } from '../../config/types.ts';
import { type Link, LinkError, type LinkErrorCode } from '../../transport/link.ts';
import { createNatsLink, type NatsLinkOptions } from '../../transport/nats/index.ts';
import { createStompLink } from '../../transport/stomp/index.ts';
import type { Checklist } from './checklist.ts';

const MEND: Readonly<Record<LinkErrorCode, string>> = {
  refused: 'check user, password and token, and what the broker lets this user do',
  unreachable: 'check host and port, that the broker runs, and firewalls in between',
  tls: 'check tls: ca signs the broker, the broker trusts cert, and names and dates fit',
  protocol: 'check that this port speaks the protocol of the URL',
  overloaded: 'try again',
  too_large: 'try again',
  expired: 'try again',
  closed: 'try again',
};

interface Attempt {
  readonly path: KeyPath;
  readonly url: string;
  readonly create: () => Link;
}

/** Connects to every server by itself and logs in; a pool hides from the user that one of it is dead. */
export const checkBrokers = async (list: Checklist, loaded: LoadedConfig): Promise<void> => {
  const attempts = [...attemptsOf(list, loaded, 'ingresses'), ...attemptsOf(list, loaded, 'egresses')];
  const results = await Promise.all(attempts.map(({ create }) => tryToOpen(create)));
  for (const [index, { path, url }] of attempts.entries()) {
    const error = results[index];
    if (error === undefined) list.ok(path, `${url} lets the bridge in`);
    else
      list.problem(path, describe(url, error), error instanceof LinkError ? MEND[error.code] : MEND.protocol);
  }
};

const describe = (url: string, error: Error): string =>
  error.message.includes(url) ? error.message : `${url}: ${error.message}`;

const tryToOpen = async (create: () => Link): Promise<Error | undefined> => {
  let link: Link | undefined;
  try {
    link = create();
    await link.open();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  } finally {
    await link?.close();
  }
};

// A failure comes out of open(); what else happens on a link that lives for a moment is of no interest.
const ignore = (): void => {};

const natsAttempts = (path: KeyPath, options: Omit<NatsLinkOptions, 'onEvent'>): readonly Attempt[] =>
  options.servers.map((url, index) => ({
    path: [...path, 'servers', index],
    url,
    create: () => createNatsLink({ ...options, servers: [url], failFast: true, onEvent: ignore }),
  }));

const attemptsOf = (
  list: Checklist,
  loaded: LoadedConfig,
  kind: 'ingresses' | 'egresses',
): readonly Attempt[] =>
  [...loaded.config[kind].values()].flatMap((side: Named<IngressConfig | EgressConfig>) => {
    const path = [kind, side.name];
    if (list.hasProblem([...path, 'tls'])) {
      list.skipped([...path, 'servers'], 'not tried, because of the problems with tls');
      return [];
    }
    if (side.type !== 'mcollective-stomp')
      return natsAttempts(path, natsLinkOptions(side, loaded.config, fileReader(loaded)));
    const options = stompLinkOptions(side, loaded.config, fileReader(loaded));
    return options.servers.map((server, index) => ({
      path: [...path, 'servers', index],
      url: side.servers[index]?.url ?? server.host,
      create: () =>
        createStompLink({ ...options, servers: [server], failFast: true, clock: Date.now, onEvent: ignore }),
    }));
  });
