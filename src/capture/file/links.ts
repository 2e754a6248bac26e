import { quoted } from '../../envelope/text.ts';
import type { LoadedConfig } from '../../setup/types.ts';
import { isNodes, isRejected } from './format.ts';
import { CassetteError } from './problem.ts';
import type { LocatedEntry } from './read.ts';

/** @throws CassetteError that names file and line, for a link that the configuration does not have */
export const checkLink = (file: string, { entry, line }: LocatedEntry, { config }: LoadedConfig): void => {
  if (isRejected(entry)) return;
  const { side, link } = isNodes(entry) ? { side: 'egress', link: entry.nodes.egress } : entry;
  const links = side === 'ingress' ? config.ingresses : config.egresses;
  if (links.has(link)) return;
  const names = [...links.keys()].join(', ');
  throw new CassetteError(`the configuration has no ${side} ${quoted(link)}; it has ${names}`).at(file, line);
};
