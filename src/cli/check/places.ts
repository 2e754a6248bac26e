import { mkdtempSync, rmdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Checklist } from '../../config/checklist.ts';
import { codeOf, readFailure } from '../../config/files.ts';
import type { KeyPath } from '../../config/problem.ts';
import { lookAtPlace } from '../../control/unix-socket.ts';
import { errorText } from '../../envelope/text.ts';
import { defaultControlSocket } from '../../setup/control-socket.ts';
import type { LoadedConfig } from '../../setup/types.ts';
import { logFileFault } from '../log-file.ts';
import { isOurSocket, isRunning } from './running.ts';

/** Why nothing can be made in a folder; undefined where it can. It is tried: quotas and file systems that take no writes count, too. */
export const folderFault = (folder: string): string | undefined => {
  try {
    rmdirSync(mkdtempSync(join(folder, '.mcbridge-check-')));
    return undefined;
  } catch (error) {
    return codeOf(error) === 'ENOENT' ? `there is no folder ${folder}` : `${folder}: ${readFailure(error)}`;
  }
};

export const GIVE_FOLDER = 'make the folder, and let the user who runs the bridge write to it';

/** Whether log.file can be written; one that is there is not written to, and one that is not is not made. */
const checkLogFile = (list: Checklist, file: string): void => {
  const path = ['log', 'file'];
  try {
    const fault = logFileFault(file);
    if (fault === undefined) list.ok(path, `${file} can be written`);
    else
      list.problem(path, `${file} cannot be written: ${fault}`, 'give a file that the bridge may write to');
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    const fault = folderFault(dirname(file));
    if (fault === undefined) list.ok(path, `${file} can be made`);
    else list.problem(path, `${file} cannot be made: ${fault}`, GIVE_FOLDER);
  }
};

type Tell = (message: string, mend: string) => void;

/** @param tell of what is in the way */
const checkSocket = async (
  list: Checklist,
  path: KeyPath,
  file: string,
  { tell, isOurs }: { readonly tell: Tell; readonly isOurs: () => Promise<boolean> },
): Promise<void> => {
  const fault = folderFault(dirname(file));
  if (fault !== undefined) return tell(`${file} cannot be made: ${fault}`, GIVE_FOLDER);
  try {
    const place = await lookAtPlace(file);
    if (place.kind === 'taken')
      return tell(
        `${file} cannot be listened at: ${place.why}`,
        'give another name, or remove what is there',
      );
    if (place.kind !== 'answered') return list.ok(path, `${file} is free`);
    if (await isOurs()) return list.ok(path, `${file} is listened at by this bridge, which runs`);
    tell(`${file} cannot be listened at: another process is there`, 'give each bridge a name of its own');
  } catch (error) {
    tell(errorText(error), 'check as the user who runs the bridge, or give another name');
  }
};

/** Places of this machine where the bridge makes something: its log, and its sockets. */
export const checkPlaces = async (list: Checklist, { config }: LoadedConfig): Promise<void> => {
  const { log, controlSocket: given, recordSocket } = config;
  if (log.file !== undefined) checkLogFile(list, log.file);
  const control = given ?? defaultControlSocket(process.env);
  const path = ['control_socket'];
  if (control !== undefined)
    await checkSocket(list, path, control, {
      tell:
        given === undefined
          ? (message, mend) => list.warning(path, `${message}; the bridge runs, and takes no orders`, mend)
          : (message, mend) => list.problem(path, message, mend),
      isOurs: () => isOurSocket(control, config),
    });
  if (recordSocket === undefined) return;
  const record = ['record_socket'];
  const tell: Tell = (message, mend) => list.problem(record, message, mend);
  await checkSocket(list, record, recordSocket, { tell, isOurs: () => isRunning(config, control) });
};
