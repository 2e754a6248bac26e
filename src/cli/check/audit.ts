import { statSync } from 'node:fs';
import { userInfo } from 'node:os';
import { dirname } from 'node:path';
import { checkLongSecretFile, readBytes, warnIfWorldReadable } from '../../adapters/kit/check/key-files.ts';
import { headSigner } from '../../audit/head.ts';
import type { Checklist } from '../../config/checklist.ts';
import { codeOf, parseFailure } from '../../config/files.ts';
import type { KeyPath } from '../../config/problem.ts';
import { whoHolds } from '../../control/file-hold.ts';
import { defaultControlSocket } from '../../setup/control-socket.ts';
import type { LoadedConfig } from '../../setup/types.ts';
import { logFileFault } from '../log-file.ts';
import { folderFault, GIVE_FOLDER } from './places.ts';
import { isRunning } from './running.ts';

const OTHERS = 0o077;

/** Keys, files and folders of the audit; nothing is written. */
export const checkAudit = (list: Checklist, { config }: LoadedConfig): void => {
  const { audit, log } = config;
  if (audit === undefined) return;
  if (audit.keyFile === undefined)
    list.warning(
      ['audit'],
      'heads are not signed: whoever can write to the files can make another chain',
      'openssl genpkey -algorithm ed25519 -out audit-key.pem, and key_file: audit-key.pem',
    );
  else checkKey(list, audit.keyFile);
  if (audit.hmacKeyFile !== undefined)
    checkLongSecretFile(list, ['audit', 'hmac_key_file'], audit.hmacKeyFile);
  for (const [index, { file, stdout }] of audit.sinks.entries()) {
    if (file !== undefined) checkFile(list, ['audit', 'sinks', index, 'file'], file);
    if (stdout === true && log.file === undefined)
      list.warning(
        ['audit', 'sinks', index, 'stdout'],
        'the log goes there as well, line by line between the records',
        'give log.file',
      );
  }
};

/** Whether another bridge writes to a file of the audit already. Where this very bridge runs, it is the one. */
export const checkAuditAlone = async (list: Checklist, { config }: LoadedConfig): Promise<void> => {
  const control = config.controlSocket ?? defaultControlSocket(process.env);
  for (const [index, { file }] of (config.audit?.sinks ?? []).entries()) {
    if (file === undefined) continue;
    const path = ['audit', 'sinks', index, 'file'];
    // A folder that cannot be read is told of by then.
    const who = await whoHolds(file).catch(() => undefined);
    if (who === undefined) continue;
    if (await isRunning(config, control)) list.ok(path, `${file} is written by this bridge, which runs`);
    else
      list.problem(
        path,
        `${file} cannot be written: ${who}`,
        'give each instance a file of its own; where it is the bridge of this configuration, give that a control_socket, by which it is known',
      );
  }
};

const checkKey = (list: Checklist, file: string): void => {
  const path = ['audit', 'key_file'];
  const bytes = readBytes(list, path, file);
  if (bytes === undefined) return;
  warnIfWorldReadable(list, path, file);
  try {
    list.ok(path, `${file} holds the Ed25519 key ${headSigner(bytes).key}`);
  } catch (error) {
    list.unusable(
      path,
      `${file} is not what it should be: ${parseFailure(error, bytes)}`,
      `openssl genpkey -algorithm ed25519 -out ${file}`,
    );
  }
};

const checkFile = (list: Checklist, path: KeyPath, file: string): void => {
  // A full file is moved, and another is made.
  const fault = folderFault(dirname(file));
  if (fault !== undefined) {
    list.problem(path, `files cannot be made beside ${file}: ${fault}`, GIVE_FOLDER);
    return;
  }
  try {
    const unusable = logFileFault(file);
    if (unusable !== undefined) {
      list.problem(
        path,
        `${file} cannot be written: ${unusable}`,
        'give a file that the bridge may write to',
      );
      return;
    }
    const { mode, uid } = statSync(file);
    const { username, uid: own } = userInfo();
    if ((mode & OTHERS) !== 0)
      list.warning(path, `others than its owner may read or write ${file}`, `chmod 600 ${file}`);
    else if (uid !== own)
      list.warning(
        path,
        `${file} belongs to another user than ${username}, who runs this check`,
        'check as the user who runs the bridge, or give the file to that user',
      );
    else list.ok(path, `${file} can be written`);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    list.ok(path, `${file} can be made`);
  }
};
