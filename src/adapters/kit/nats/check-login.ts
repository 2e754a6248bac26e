import type { Checklist } from '../../../config/checklist.ts';
import type { KeyPath } from '../../../config/problem.ts';
import { nkeySeedFault, readCredentials } from '../../../transport/nats/keys.ts';
import { checkSecretFile, readBytes, warnIfWorldReadable } from '../check/key-files.ts';
import type { NatsConnection } from './config.ts';

/** The text of a secret file; a finding where it cannot be read, or by too many. */
const readSecret = (list: Checklist, path: KeyPath, file: string): string | undefined => {
  const text = readBytes(list, path, file)?.toString();
  if (text !== undefined) warnIfWorldReadable(list, path, file);
  return text;
};

const checkNkey = (list: Checklist, path: KeyPath, file: string): void => {
  const text = readSecret(list, path, file);
  if (text === undefined) return;
  const fault = nkeySeedFault(text);
  if (fault === undefined) list.ok(path, `${file} is the seed of a user's NKey`);
  else list.unusable(path, `${file} cannot be used: ${fault}`, 'it takes what nk -gen user makes');
};

const checkCredentials = (list: Checklist, path: KeyPath, file: string, now: number): void => {
  const text = readSecret(list, path, file);
  if (text === undefined) return;
  const token = readCredentials(text);
  if (typeof token === 'string')
    list.unusable(path, `${file} cannot be used: ${token}`, 'it takes what nsc generate creds makes');
  else if (token.expires !== undefined && token.expires <= now)
    list.problem(
      path,
      `${file}: the token of ${token.name} expired on ${new Date(token.expires).toISOString().slice(0, 10)}`,
      'make a new one: nsc generate creds',
    );
  else list.ok(path, `${file} holds the token of ${token.name} and its seed`);
};

/** The files that a connection to NATS logs in with. */
export const checkLogin = (
  list: Checklist,
  path: KeyPath,
  { passwordFile, tokenFile, nkey, credentials }: NatsConnection,
  now: number,
): void => {
  if (passwordFile !== undefined) checkSecretFile(list, [...path, 'password_file'], passwordFile);
  if (tokenFile !== undefined) checkSecretFile(list, [...path, 'token_file'], tokenFile);
  if (nkey !== undefined) checkNkey(list, [...path, 'nkey'], nkey);
  if (credentials !== undefined) checkCredentials(list, [...path, 'credentials'], credentials, now);
};
