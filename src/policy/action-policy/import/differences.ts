import { isCallerId } from '../../../envelope/check.ts';
import { type Groups, rubyWords } from '../callers.ts';
import { DIALECTS, type DialectName, fieldsOf } from '../dialects.ts';
import type { Effects } from '../effects.ts';
import { GROUPS_FILE, POLICY_END, type PolicyFiles } from '../files.ts';
import { readGroups } from '../groups.ts';
import { judge } from '../judge.ts';
import { type Entry, readPolicyFile } from '../policy-file.ts';
import { whyOf } from '../why.ts';
import { nodeDifference, type Says } from './node-differences.ts';

/** A line that not all implementations read in the same way. */
export interface Difference {
  readonly file: string;
  readonly line: number;
  readonly text: string;
  /** A request, and where it counts the facts of a node, by which they differ. */
  readonly example: string;
  readonly dialects: Readonly<Partial<Record<DialectName, Says>>>;
}

const NAMES = Object.keys(DIALECTS).filter((name): name is DialectName => name in DIALECTS);

interface Reading {
  readonly name: DialectName;
  readonly groups: Groups;
  readonly entries: ReadonlyMap<number, Entry>;
}

const saidBy = ({ yes, no, error }: Effects): Says['says'] => {
  if (Number(yes) + Number(no) + Number(error) > 1) return 'depends on the node';
  return yes ? 'matches' : error ? 'error' : 'does not match';
};

/** What a line by itself comes to, for one caller and action. */
const says = (entry: Entry, caller: string, action: string): Says => {
  const effects = entry.kind === 'rule' ? entry.callers(caller) : { yes: false, no: true, error: false };
  const { allows, refuses, isError } = judge([{ entry: asAllow(entry), caller: effects }], action, false);
  const why = whyOf(entry, effects, action, caller);
  if (entry.kind !== 'rule') return { says: entry.kind === 'fatal' ? 'error' : 'does not match', why };
  if (isError) return { says: 'error', why };
  return { says: saidBy({ yes: allows, no: refuses, error: false }), why };
};

/** With the verdict and the default apart, so that a match is seen. */
const asAllow = (entry: Entry): Entry =>
  entry.kind === 'rule' ? { ...entry, fields: { ...entry.fields, verdict: 'allow' } } : entry;

/** Callers by whom implementations may differ: those of the line, longer and shorter ones, and members of groups. */
const callersFor = (text: string, readings: readonly Reading[]): readonly string[] => {
  const words = rubyWords(fieldsOf(text)?.callers ?? '').flatMap((it) => it.split(','));
  const named = words.filter(isCallerId);
  const members = readings.flatMap(({ groups }) => words.flatMap((word) => groups.get(word) ?? []));
  const near = named.flatMap((it) => [it, it.slice(0, -1), `${it}-admin`]);
  const usual = ['cert=alice', 'cert=bob', 'choria=alice.mcollective', 'cert=admin', 'uid=0'];
  return [...new Set([...near, ...members, ...usual])].filter(isCallerId);
};

const actionsFor = (text: string): readonly string[] => {
  const actions = rubyWords(fieldsOf(text)?.actions ?? '').flatMap((it) => it.split(','));
  return [...new Set([...actions.filter((it) => /^\w+$/.test(it)), 'status'])];
};

const readingOf = (name: DialectName, bytes: Uint8Array, groupsBytes: Uint8Array | undefined): Reading => {
  const dialect = DIALECTS[name];
  const { groups } = groupsBytes === undefined ? { groups: new Map() } : readGroups(groupsBytes, dialect);
  return {
    name,
    groups,
    entries: new Map(readPolicyFile(bytes, groups, dialect).map((entry) => [entry.line, entry])),
  };
};

const isSame = (all: readonly Says[]): boolean => new Set(all.map((it) => it.says)).size === 1;

/** The first request by which they differ at a line. */
const differenceAt = (line: number, readings: readonly Reading[], file: string): Difference | undefined => {
  const entries = readings.map((it) => it.entries.get(line));
  const [entry] = entries;
  if (entry === undefined || entries.includes(undefined)) return undefined;
  const told = (example: string, all: readonly Says[]): Difference => ({
    file,
    line,
    text: entry.text,
    example,
    dialects: Object.fromEntries(readings.map(({ name }, index) => [name, all[index]])),
  });
  const defaults = entries.map((it) => (it?.kind === 'default' ? `${it.allows}` : ''));
  if (new Set(defaults).size > 1)
    return told(
      'where no line decides',
      defaults.map((it) => ({
        says: it === '' ? 'does not match' : 'matches',
        why: it === '' ? 'it is no default line' : 'it is the default',
      })),
    );
  for (const action of actionsFor(entry.text))
    for (const caller of callersFor(entry.text, readings)) {
      const all = entries.flatMap((it) => (it === undefined ? [] : [says(it, caller, action)]));
      if (!isSame(all)) return told(`${caller} asks for ${action}`, all);
    }
  const found =
    entry.kind === 'rule'
      ? nodeDifference(
          entry.fields,
          readings.map(({ name }) => name),
        )
      : undefined;
  return found && told(found.example, found.says);
};

/** Every line that the implementations read in different ways, with an example. */
export const differences = (files: PolicyFiles): readonly Difference[] => {
  const groups = files.get(GROUPS_FILE);
  return [...files].flatMap(([file, bytes]) => {
    if (!file.endsWith(POLICY_END) || typeof bytes === 'string') return [];
    const readings = NAMES.map((name) =>
      readingOf(name, bytes, typeof groups === 'object' ? groups : undefined),
    );
    const lines = [...(readings[0]?.entries.keys() ?? [])];
    return lines.flatMap((line) => differenceAt(line, readings, file) ?? []);
  });
};
