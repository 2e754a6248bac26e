import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Checklist } from '../../../config/checklist.ts';
import { codeOf, readFailure } from '../../../config/files.ts';
import type { KeyPath } from '../../../config/problem.ts';
import { isCallerId } from '../../../envelope/check.ts';
import { checkCallerKey, checkSigningKey, mendReading } from '../../kit/check/key-files.ts';

/** A folder with a key for each caller. */
interface KeysFolder {
  readonly kind: string;
  /** What a file with a wrong name cannot do. */
  readonly useless: string;
  readonly remedy: string;
  /** Whether a file is good; a finding where not. */
  readonly check: (list: Checklist, path: KeyPath, file: string) => boolean;
}

export const PRIVATE_KEYS: KeysFolder = {
  kind: 'private key',
  useless: 'can sign for no caller',
  remedy: 'put alice.pem there for callers that are mapped to cert=alice',
  check: (list, path, file) => checkSigningKey(list, path, file) !== undefined,
};

export const PUBLIC_KEYS: KeysFolder = {
  kind: 'public key',
  useless: 'lets no caller in',
  remedy: 'put alice.pem there for the caller cert=alice, as in plugin.ssl_client_cert_dir of the daemons',
  check: checkCallerKey,
};

export const checkKeysFolder = (list: Checklist, path: KeyPath, folder: string, of: KeysFolder): void => {
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
