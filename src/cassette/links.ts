import type { LoadedConfig } from '../config/load.ts';
import { isRejected } from './format.ts';
import { CassetteError } from './problem.ts';
import type { LocatedEntry } from './read.ts';

/** @throws CassetteError that names file and line, for a link that the configuration does not have */
export const checkLink = (file: string, { entry, line }: LocatedEntry, { config }: LoadedConfig): void => {
  if (isRejected(entry)) return;
  const links = entry.side === 'ingress' ? config.ingresses : config.egresses;
  if (links.has(entry.link)) return;
  const names = [...links.keys()].join(', ');
  throw new CassetteError(
    `the configuration has no ${entry.side} ${JSON.stringify(entry.link)}; it has ${names}`,
  ).at(file, line);
};
