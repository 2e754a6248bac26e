import type { Groups } from '../callers.ts';
import { DIALECTS } from '../dialects.ts';
import { GROUPS_FILE, POLICY_END, type PolicyFiles } from '../files.ts';
import { readGroups } from '../groups.ts';
import { type Entry, readPolicyFile } from '../policy-file.ts';
import { type ActionPolicySettings, isTrue } from '../read.ts';
import { importedGroups } from './callers.ts';
import { type Imported, importFile } from './rules.ts';

/** Characters that a comment of YAML cannot have. */
const UNWRITABLE = /[^\t\u0020-\u007e\u00a0-\ud7ff\ue000-\ufefe\uff00-\ufffd]/gu;

const commentLine = (text: string): string => `  # ${text.replace(UNWRITABLE, '?')}`;

const flow = (value: unknown): string => JSON.stringify(value).replaceAll('${', '$${');

/** Others are named by their place. */
const isRuleName = (name: unknown): boolean => typeof name === 'string' && /^[\w.-]{1,64}$/.test(name);

const lineOf = (one: Imported): string => {
  if ('comment' in one) return commentLine(one.comment);
  const pairs = Object.entries(one)
    .filter(([key, value]) => key !== 'name' || isRuleName(value))
    .map(([key, value]) => `${key}: ${flow(value)}`);
  return `  - { ${pairs.join(', ')} }`;
};

const groupLines = (groups: ReadonlyMap<string, readonly string[]>): readonly string[] =>
  groups.size === 0
    ? []
    : ['groups:', ...[...groups].map(([name, members]) => `  ${flow(name)}: ${flow(members)}`), ''];

const entriesOf = (
  bytes: Uint8Array | string,
  groups: Groups,
  dialect: ActionPolicySettings['dialect'],
): readonly Entry[] =>
  typeof bytes === 'string'
    ? [{ kind: 'fatal', line: 1, text: '', why: bytes }]
    : readPolicyFile(bytes, groups, DIALECTS[dialect]);

/** A folder of ActionPolicy's files as a file of rules. */
export const importedRules = (settings: ActionPolicySettings, files: PolicyFiles): string => {
  const dialect = DIALECTS[settings.dialect];
  const { defaultName = 'default', folder } = settings;
  const bytes = files.get(GROUPS_FILE);
  const { groups, fatal } = typeof bytes === 'object' ? readGroups(bytes, dialect) : { groups: new Map() };
  const allowsByDefault = isTrue(settings.allowUnconfigured, dialect);
  const made: Imported[] = [];
  if (fatal !== undefined)
    made.push({
      comment: `${GROUPS_FILE}:${fatal.line} ${fatal.why}, so that all who have a policy are refused`,
    });
  const add = (file: string, agent: string | undefined): void => {
    const content = files.get(file);
    if (content === undefined) return;
    const entries: readonly Entry[] =
      fatal === undefined
        ? entriesOf(content, groups, settings.dialect)
        : [{ kind: 'fatal', text: '', ...fatal }];
    made.push(...importFile({ file, agent, entries, allowsByDefault }, groups, dialect));
  };
  const standby = `${defaultName}${POLICY_END}`;
  const hasStandby = isTrue(settings.enableDefault, dialect) && files.has(standby);
  // The file for the others is for an agent of its name too.
  for (const file of files.keys())
    if (file.endsWith(POLICY_END) && !(hasStandby && file === standby))
      add(file, file.slice(0, -POLICY_END.length));
  if (hasStandby) add(standby, undefined);
  const allowsAll = allowsByDefault && dialect.allowsWithoutFile;
  if (!hasStandby)
    made.push(
      { comment: 'agents that have no file' },
      {
        name: 'no-file',
        verdict: allowsAll ? 'allow' : 'deny',
        ...(!allowsAll && { reason: 'no policy is there for this agent' }),
      },
    );
  return [
    `# Made of ${folder} by mcbridge policy import, as ${settings.dialect} reads it.`.replace(
      UNWRITABLE,
      '?',
    ),
    ...groupLines(importedGroups(groups)),
    'rules:',
    ...made.map(lineOf),
    '',
  ].join('\n');
};
