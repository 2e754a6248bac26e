import { createHash } from 'node:crypto';
import { type Place, problemAt, readFailure } from '../config/files.ts';
import { formatPath, type KeyPath, type Problem } from '../config/problem.ts';
import { type PolicyFiles, readPolicyFolder } from '../policy/action-policy/files.ts';
import { type FileProblem, readActionPolicy } from '../policy/action-policy/read.ts';
import type { Evaluator } from '../policy/evaluator.ts';
import type { ActionPolicyConfig } from '../policy/section.ts';
import { type Findings, shownName } from './findings.ts';

const problemOf = ({ file, line = 1, column = 1, message }: FileProblem): Problem => ({
  file,
  line,
  column,
  path: '',
  message,
});

const fingerprint = (files: PolicyFiles): string => {
  const hash = createHash('sha256');
  for (const [name, bytes] of files) hash.update(`${name}\n${bytes.length}\n`).update(bytes);
  return hash.digest('base64');
};

/** What a folder of ActionPolicy's files says; undefined where it cannot be read. */
export const readActionPolicyFolder = (
  config: ActionPolicyConfig,
  below: KeyPath,
  around: Place,
  found: Findings,
): { readonly evaluator: Evaluator; readonly summary: string } | undefined => {
  const { folder, dialect, unknown, strict } = config;
  const path = [...below, 'folder'];
  let files: PolicyFiles;
  try {
    files = readPolicyFolder(folder);
  } catch (error) {
    found.problems.push(problemAt(around, path, `${folder} cannot be read: ${readFailure(error)}`));
    return undefined;
  }
  found.written.set(formatPath(path), fingerprint(files));
  const { evaluator, errors, warnings } = readActionPolicy(
    {
      folder: shownName(folder, around.file),
      ...{ dialect, unknown, strict },
      allowUnconfigured: config.allow_unconfigured,
      enableDefault: config.enable_default,
      defaultName: config.default_name,
    },
    files,
  );
  found.problems.push(...errors.map(problemOf));
  found.warnings.push(...warnings.map(problemOf));
  return { evaluator, summary: `${files.size} files of ActionPolicy` };
};
