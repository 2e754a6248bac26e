import { dirname, join, relative, resolve } from 'node:path';
import type { Problem } from '../config/problem.ts';

/** What was found in files that a configuration names. */
export class Findings {
  readonly problems: Problem[] = [];
  readonly warnings: Problem[] = [];
  /** What tells whether such files have changed, by the paths of the keys that name them. */
  readonly written = new Map<string, string>();
}

/** A file's name as a person finds it from where they are, as they do the configuration's. */
export const shownName = (file: string, beside: string): string =>
  join(dirname(beside), relative(dirname(resolve(beside)), file));
