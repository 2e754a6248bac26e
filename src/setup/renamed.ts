import type { ConfigDocument } from '../config/document.ts';
import { formatPath, type Problem } from '../config/problem.ts';
import type { Outline } from './outline.ts';

/** Old names of an ingress's keys, which this version still reads. */
const RENAMED: ReadonlyMap<string, string> = new Map([['beside', 'local_egress']]);

/** A warning for each key of the file that has another name now. */
export const renamedKeys = ({ ingresses }: Outline, document: ConfigDocument): readonly Problem[] =>
  Object.entries(ingresses).flatMap(([name, entry]) =>
    Object.keys(entry).flatMap((key): Problem[] => {
      const now = RENAMED.get(key);
      if (now === undefined) return [];
      const path = ['ingresses', name, key];
      return [
        {
          file: document.file,
          ...document.keyAt(path),
          path: formatPath(path),
          message: `is the old name of ${now}, and the next version does not know it`,
          mend: `write ${now} instead`,
        },
      ];
    }),
  );
