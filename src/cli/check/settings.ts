import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ChoriaConnection } from '../../adapters/choria/connection-config.ts';
import type { StompConnection } from '../../adapters/mcollective/connection-config.ts';
import { codeOf, readFailure, trimKey } from '../../config/files.ts';
import type { KeyPath } from '../../config/problem.ts';
import { isCallerId } from '../../envelope/check.ts';
import { MIN_CLUSTER_KEY } from '../../setup/schema.ts';
import type { EgressConfig, IngressConfig, LoadedConfig, Named } from '../../setup/types.ts';
import type { Checklist } from './checklist.ts';
import { checkChoriaSigning } from './choria-signing.ts';
import { checkDiscovery } from './discovery.ts';
import {
  checkAuthorities,
  checkCallerKey,
  checkClient,
  checkPublicKey,
  checkSigningKey,
  checkStrength,
  mendReading,
  readBytes,
  warnIfWorldReadable,
} from './files.ts';
import { checkLogin } from './nats-login.ts';
import { checkPatterns } from './patterns.ts';
import { checkReplyGroups } from './reply-groups.ts';
import { checkRules } from './rules.ts';

/** Everything that can be looked at without a network: files, keys, certificates, parts that nothing uses, rules. */
export const checkSettings = (list: Checklist, loaded: LoadedConfig, now: number): void => {
  checkFiles(list, loaded, now);
  checkRules(list, loaded.config);
  checkDiscovery(list, loaded.config);
  checkPatterns(list, loaded.config);
  checkReplyGroups(list, loaded.config);
};

/** Files, and the ingresses and egresses that name them. */
export const checkFiles = (list: Checklist, { config }: LoadedConfig, now: number): void => {
  const { clusterKey, claims, ingresses, egresses, routes } = config;
  if (clusterKey.kind === 'file') checkClusterKey(list, clusterKey.file);
  else list.ok(['cluster_key'], 'is long enough');
  if (claims?.at.kind === 'own') checkConnection(list, ['claims'], claims.at.connection, now);
  for (const ingress of ingresses.values()) {
    if (!routes.some(({ from }) => from === ingress.name))
      list.warning(['ingresses', ingress.name], 'no route starts here', 'add a route, or remove it');
    checkIngress(list, ingress, now);
  }
  for (const egress of egresses.values()) {
    if (!routes.some(({ to }) => to === egress.name))
      list.warning(['egresses', egress.name], 'no route ends here', 'add a route, or remove it');
    checkEgress(list, egress, now);
  }
};

const checkClusterKey = (list: Checklist, file: string): void => {
  const path = ['cluster_key_file'];
  const bytes = readBytes(list, path, file);
  if (bytes === undefined) return;
  warnIfWorldReadable(list, path, file);
  const { length } = trimKey(bytes);
  if (length >= MIN_CLUSTER_KEY) list.ok(path, `${file} holds a key of ${length} bytes`);
  else
    list.unusable(
      path,
      `${file} holds ${length} bytes, and it takes at least ${MIN_CLUSTER_KEY}`,
      `openssl rand -base64 48 > ${file}, and the same file for every instance`,
    );
};

const checkIngress = (list: Checklist, ingress: Named<IngressConfig>, now: number): void => {
  const path = ['ingresses', ingress.name];
  if (ingress.type === 'mcollective-stomp') {
    const { callers, serverPrivateKey } = ingress;
    checkStompTls(list, path, ingress, now);
    checkKeysFolder(list, [...path, 'callers', 'keys_dir'], callers.keysDir, PUBLIC_KEYS);
    const keyPath = [...path, 'server_private_key'];
    if (checkSigningKey(list, keyPath, serverPrivateKey) !== undefined)
      list.ok(keyPath, `${serverPrivateKey} signs replies to legacy clients`);
    return;
  }
  const { tls, callers } = ingress;
  checkConnection(list, path, ingress, now, callers.ca === tls?.ca);
  if (callers.ca !== tls?.ca) checkAuthorities(list, [...path, 'callers', 'ca'], callers.ca, now, true);
};

const checkStompTls = (list: Checklist, path: KeyPath, { tls }: StompConnection, now: number): void => {
  if (!tls.verify)
    list.warning(
      [...path, 'tls', 'verify'],
      "the brokers' certificates are not verified",
      'give ca, and leave verify out',
    );
  if (tls.ca !== undefined) checkAuthorities(list, [...path, 'tls', 'ca'], tls.ca, now);
  // Which authority vouches for the client is the broker's affair here: it need not be the one that signed the broker.
  checkTlsPair(list, [...path, 'tls'], tls, undefined, now);
};

const checkTlsPair = (
  list: Checklist,
  path: KeyPath,
  { client, ...floor }: Pick<StompConnection['tls'], 'client' | 'minVersion' | 'ciphers'>,
  roots: ReturnType<typeof checkAuthorities>,
  now: number,
): void => {
  if (client === undefined) return;
  checkClient(list, path, client, roots, now);
  if (!list.hasProblem(path)) checkStrength(list, path, client, floor);
};

/** @returns the CA that signs the brokers, where it can be used */
const checkConnection = (
  list: Checklist,
  path: KeyPath,
  connection: ChoriaConnection,
  now: number,
  forCallers = false,
): ReturnType<typeof checkAuthorities> => {
  const { tls } = connection;
  checkLogin(list, path, connection, now);
  if (tls === undefined) {
    list.warning(
      [...path, 'insecure_plaintext'],
      'the connection to the brokers is neither encrypted nor authenticated',
      'give tls',
    );
    return undefined;
  }
  const roots = checkAuthorities(list, [...path, 'tls', 'ca'], tls.ca, now, forCallers);
  checkTlsPair(list, [...path, 'tls'], tls, roots, now);
  return roots;
};

const checkEgress = (list: Checklist, egress: Named<EgressConfig>, now: number): void => {
  const path = ['egresses', egress.name];
  if (egress.type === 'choria-collective') {
    const roots = checkConnection(list, path, egress, now);
    checkChoriaSigning(list, [...path, 'signing'], egress, roots, now);
    return;
  }
  const { signing } = egress;
  checkStompTls(list, path, egress, now);
  for (const [index, file] of egress.serverPublicKeys.entries())
    checkPublicKey(list, [...path, 'server_public_key', index], file);
  if (signing.kind === 'keys')
    checkKeysFolder(list, [...path, 'signing', 'keys_dir'], signing.folder, PRIVATE_KEYS);
  else if (checkSigningKey(list, [...path, 'signing', 'private_key'], signing.privateKey) !== undefined)
    list.ok([...path, 'signing', 'private_key'], `${signing.privateKey} signs for ${signing.callerid}`);
};

/** A folder with a key for each caller. */
interface KeysFolder {
  readonly kind: string;
  /** What a file with a wrong name cannot do. */
  readonly useless: string;
  readonly remedy: string;
  /** Whether a file is good; a finding where not. */
  readonly check: (list: Checklist, path: KeyPath, file: string) => boolean;
}

const PRIVATE_KEYS: KeysFolder = {
  kind: 'private key',
  useless: 'can sign for nobody',
  remedy: 'put alice.pem there for callers that are mapped to cert=alice',
  check: (list, path, file) => checkSigningKey(list, path, file) !== undefined,
};

const PUBLIC_KEYS: KeysFolder = {
  kind: 'public key',
  useless: 'lets nobody in',
  remedy: 'put alice.pem there for the caller cert=alice, as in plugin.ssl_client_cert_dir of the daemons',
  check: checkCallerKey,
};

const checkKeysFolder = (list: Checklist, path: KeyPath, folder: string, of: KeysFolder): void => {
  let names: readonly string[];
  try {
    names = readdirSync(folder).filter((name) => name.endsWith('.pem'));
  } catch (error) {
    list.unusable(
      path,
      `${folder} cannot be read: ${readFailure(error)}`,
      codeOf(error) === 'EACCES' ? mendReading(folder, error) : `give the folder of the ${of.kind}s`,
    );
    return;
  }
  const good = names.toSorted().filter((name) => {
    if (!isCallerId(`cert=${name.slice(0, -'.pem'.length)}`))
      list.warning(
        path,
        `${name} in ${folder} ${of.useless}`,
        'name it <caller>.pem, of letters, digits, ".", "_" and "-"',
      );
    return of.check(list.spare, path, join(folder, name));
  });
  if (names.length === 0) list.problem(path, `${folder} holds no ${of.kind}`, of.remedy);
  else if (good.length > 0) list.ok(path, `${folder} holds ${good.length} ${of.kind}s: ${brief(good)}`);
};

const brief = (names: readonly string[]): string =>
  names.length <= 10 ? names.join(', ') : `${names.slice(0, 10).join(', ')} and ${names.length - 10} more`;
