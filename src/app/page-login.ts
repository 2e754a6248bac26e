import { fileProblem, type ReadFile } from '../config/files.ts';
import type { KeyPath } from '../config/problem.ts';
import type { PageLogin } from '../page/door.ts';
import { nameSetOf } from '../policy/rules/callers.ts';
import { pageHostsOf, pageProofOf } from '../setup/page-login.ts';
import type { LoadedConfig } from '../setup/types.ts';
import { proofFault } from '../transport/proof/server-tls.ts';
import type { ServerTls } from '../transport/proof/settings.ts';

const PATH: KeyPath = ['page', 'tls'];

/** For sentences on what is wrong with its files. */
const WORDS = {
  protocol: 'HTTPS',
  peer: 'a browser',
  plain: 'http://',
  secure: 'https://',
  credentials: 'allow',
  silentHint: '',
  loginHint: '',
};

/**
 * How those who open the live page prove who they are: as the clients of an ingress do, with a certificate of its own or the
 * ingress's.
 * @returns undefined where everybody sees it
 * @throws ConfigError for a file that cannot be read or is not what it should be
 */
export const pageLoginOf = (loaded: LoadedConfig, read: ReadFile): PageLogin | undefined => {
  const { config } = loaded;
  const login = config.page?.login;
  const proof = pageProofOf(config)?.settings(read);
  if (login === undefined || proof === undefined) return undefined;
  const own = login.tls && {
    cert: read(login.tls.cert, [...PATH, 'cert']).toString(),
    key: read(login.tls.key, [...PATH, 'key']).toString(),
  };
  const tls = own === undefined ? proof.tls : { ...proof.tls, ...own };
  const fault = proofFault({ ...proof, tls }, WORDS, 'page');
  if (fault !== undefined) throw fileProblem(loaded, own === undefined ? ['page', 'login'] : PATH, fault);
  return {
    proof: { ...proof, tls },
    hosts: pageHostsOf(config) ?? [],
    allow: nameSetOf(login.allow),
  };
};

/** What a listener cannot change while it stands. */
export const shapeOf = (tls: ServerTls | undefined): string => {
  if (tls === undefined) return 'plain HTTP';
  return tls.clientCa === undefined ? 'HTTPS' : 'HTTPS with certificates of clients';
};
