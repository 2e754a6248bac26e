import { createPublicKey, type X509Certificate } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Checklist } from '../../../config/checklist.ts';
import { readFailure } from '../../../config/files.ts';
import { readKeyFile } from '../../../config/key-files.ts';
import type { KeyPath } from '../../../config/problem.ts';
import { type ClientFiles, checkClient } from '../../kit/check/certificate-files.ts';
import { checkSigningKey } from '../../kit/check/key-files.ts';
import type { ChoriaCollectiveConfig, ChoriaSigningConfig } from '../collective-egress-config.ts';
import { callerName, DEFAULT_PRIVILEGED } from '../wire/index.ts';

/** With what the bridge signs towards Choria nodes. `roots`: the CA of the egress's brokers, where it can be used. */
export const checkSigning = (
  list: Checklist,
  path: KeyPath,
  { signing }: Pick<ChoriaCollectiveConfig, 'signing'>,
  roots: readonly X509Certificate[] | undefined,
  now: number,
): void => {
  if (signing === undefined) return;
  if (signing.kind === 'callers') checkCertsFolder(list, [...path, 'certs_dir'], signing.folder, roots, now);
  if (signing.own !== undefined) checkOwn(list, path, signing.own, signing.kind, now);
};

/** The certificate that speaks for others: nodes take its word only where they hold its name privileged. */
const checkOwn = (
  list: Checklist,
  path: KeyPath,
  files: ClientFiles,
  kind: ChoriaSigningConfig['kind'],
  now: number,
): void => {
  const names = checkClient(list, path, files, undefined, now);
  checkSigningKey(list, [...path, 'key'], files.key);
  // With a folder of callers' certificates it asks in its own name only.
  if (kind === 'callers' || names === undefined) return;
  if (names.some((name) => DEFAULT_PRIVILEGED.some((one) => one.test(name)))) return;
  list.warning(
    [...path, 'cert'],
    `${names.join(', ')} is not a name that Choria nodes hold privileged by default, so they may refuse what is signed in another's name`,
    'give a certificate such as mcbridge.privileged.mcollective, or add its name to plugin.choria.security.privileged_users of all nodes',
  );
};

const CERTIFICATE = '.pem';

/** Certificates and keys of callers: each pair fits, is in its dates, and is of whom its file is named after. */
const checkCertsFolder = (
  list: Checklist,
  path: KeyPath,
  folder: string,
  roots: readonly X509Certificate[] | undefined,
  now: number,
): void => {
  let names: readonly string[];
  try {
    names = readdirSync(folder)
      .filter((file) => file.endsWith(CERTIFICATE))
      .map((file) => file.slice(0, -CERTIFICATE.length))
      .toSorted();
  } catch (error) {
    list.unusable(
      path,
      `${folder} cannot be read: ${readFailure(error)}`,
      "give the folder of the callers' certificates and keys",
    );
    return;
  }
  if (names.length === 0)
    list.problem(
      path,
      `${folder} holds no certificate`,
      'put bob.mcollective.pem and bob.mcollective.key there for callers that are mapped to choria=bob.mcollective',
    );
  for (const name of names) checkPair(list, path, join(folder, name), name, roots, now);
};

const checkPair = (
  list: Checklist,
  path: KeyPath,
  base: string,
  name: string,
  roots: readonly X509Certificate[] | undefined,
  now: number,
): void => {
  const files = { cert: `${base}${CERTIFICATE}`, key: `${base}.key` };
  if (callerName(`choria=${name}`) === undefined)
    list.warning(
      path,
      `${files.cert} can sign for no caller`,
      'name it <name>.pem after the name in choria=<name>, of letters, digits, ".", "_" and "-"',
    );
  const found = checkClient(list.spare, path, files, roots, now);
  if (found === undefined) return;
  const { asymmetricKeyType: type } = createPublicKey(readKeyFile(files.cert));
  if (type !== 'rsa')
    list.problem(
      path,
      `${files.key} is not an RSA key but ${type}`,
      'MCollective signs with RSA: openssl genrsa -out FILE 2048',
    );
  if (found.includes(name)) return;
  list.problem(
    path,
    `${files.cert} is the certificate of ${found.join(', ') || 'no name'}, and nodes believe nobody else of it`,
    `give the certificate of ${name}, or name the files after whom it names`,
  );
};

/** Why requests of this caller cannot be signed with the folder's files, as far as their names tell. */
export const missingPair = (folder: string, caller: string): string | undefined => {
  const name = callerName(caller);
  return [CERTIFICATE, '.key']
    .map((ending) => join(folder, `${name}${ending}`))
    .find((file) => !existsSync(file));
};
