import { Checklist } from '../../config/checklist.ts';
import { ConfigError } from '../../config/problem.ts';
import type { Log } from '../../envelope/log.ts';
import type { LoadedConfig } from '../../setup/types.ts';
import { checkFiles } from './settings.ts';

/**
 * What `check` says of the files of a configuration, for a bridge that starts with it. What time, a broker or a caller's new key
 * may mend is told in the log, and the bridge starts all the same.
 * @param now ms since the epoch
 * @throws ConfigError with each file that is of no use
 */
export const checkBeforeStart = (loaded: LoadedConfig, log: Pick<Log, 'warn'>, now: number): void => {
  for (const { path: setting, message, mend, line } of loaded.warnings)
    log.warn({ event: 'config_warning', setting, line, hint: mend }, `${setting} ${message}`);
  const list = new Checklist(loaded);
  checkFiles(list, loaded, now);
  const problems = list.findings.filter(({ status }) => status === 'problem');
  const fatal = problems.filter(({ stops }) => stops === true);
  if (fatal.length > 0) throw new ConfigError(fatal);
  for (const { path: setting, message, mend, line } of problems)
    log.warn({ event: 'setting', setting, line, hint: mend }, message);
};
