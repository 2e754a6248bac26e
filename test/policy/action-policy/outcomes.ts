import type { Implementation, Vector } from './vectors.ts';

/**
 * What a vector's request may come to, found without the bridge's code: every line that asks for facts or classes is taken by
 * itself, and may match, not match, or end with an error.
 */
export const possible = (vector: Vector, who: Implementation): ReadonlySet<'allow' | 'refuse'> => {
  const path = policyPath(vector, who);
  if (path === undefined)
    return new Set([who !== 'go' && isYes(vector, 'allow_unconfigured', who) ? 'allow' : 'refuse']);
  const lines = linesOf(vector.files[path] ?? '', who);
  const defaults = lines.flatMap((line) => /^policy\s+default\s+(\w+)/.exec(line)?.[1] ?? []);
  const last = defaults.at(-1);
  const isOpen = last === undefined ? isYes(vector, 'allow_unconfigured', who) : last === 'allow';
  return after(
    lines.map(fields).filter((it) => it !== undefined),
    vector,
    who,
    isOpen ? 'allow' : 'refuse',
  );
};

type Fields = readonly [
  verdict: string,
  callers: string,
  actions: string,
  facts: string,
  classes: string | undefined,
];
type Fate = 'match' | 'no match' | 'error';

const after = (
  rules: readonly Fields[],
  vector: Vector,
  who: Implementation,
  end: 'allow' | 'refuse',
): ReadonlySet<'allow' | 'refuse'> => {
  const [rule, ...rest] = rules;
  if (rule === undefined) return new Set([end]);
  const found = new Set<'allow' | 'refuse'>();
  for (const fate of fates(rule, vector, who)) {
    if (fate === 'error') found.add('refuse');
    if (fate === 'match') found.add(rule[0] === 'allow' ? 'allow' : 'refuse');
    if (fate === 'no match') for (const one of after(rest, vector, who, end)) found.add(one);
  }
  return found;
};

const fates = (rule: Fields, vector: Vector, who: Implementation): readonly Fate[] => {
  const [, callers, actions, facts, classes] = rule;
  const words = (field: string): readonly string[] =>
    who === 'go' ? field.split(' ') : field.trim().split(/\s+/);
  const isCompound = (field: string | undefined): boolean =>
    words(field ?? '').some((word) => /^!|^(not|or|and)$|\(.+\)/.test(word));
  if (who === 'go' && (isCompound(facts) || isCompound(classes))) return ['no match'];
  const caller = callerFate(callers, vector, who);
  if (caller !== 'match') return [caller];
  if (actions !== '*' && !words(actions).includes(vector.request.action)) return ['no match'];
  if (facts === '*' && classes === '*') return ['match'];
  // A class of the name * is on no node; go-choria takes a line without classes for an error.
  if (facts === '*' && classes === undefined) return [who === 'go' ? 'error' : 'no match'];
  if (classes === undefined && who === 'go') return ['error'];
  return ['match', 'no match', 'error'];
};

const callerFate = (field: string, { request, files }: Vector, who: Implementation): Fate => {
  if (field === '*') return 'match';
  const { caller } = request;
  const members = new Map<string, readonly string[]>();
  for (const line of linesOf(files['policies/groups'] ?? '', who)) {
    if (/^(#.*|\s*)$/.test(line)) continue;
    const [name = '', ...ids] = who === 'go' ? line.split(' ') : line.trim().split(/[ \t\v\f\r]+/);
    if (ids.length > 0 && /^[\w.-]+$/.test(name)) members.set(name, ids);
  }
  const words = who === 'go' ? field.split(' ') : field.split(/[ \t\v\f\r]+/);
  const isMember = words.some((word) => members.get(word)?.includes(caller));
  if (isMember && who !== 'choria') return 'match';
  if (who === 'puppet') return field.includes(caller) ? 'match' : 'no match';
  for (const word of words.filter((it) => who === 'go' || it !== '')) {
    if (word === caller) return 'match';
    if (!word.startsWith('/')) continue;
    const source = /^\/(.+)\/$/.exec(word)?.[1];
    const pattern = source === undefined ? undefined : scriptPattern(source, who);
    if (pattern === undefined && who === 'go') return 'no match';
    if (pattern === undefined && source !== undefined) return 'error';
    if (pattern?.test(caller)) return 'match';
  }
  return isMember ? 'match' : 'no match';
};

/** JavaScript's own engine, with what the vectors' patterns have of the other two put into its words. */
const scriptPattern = (source: string, who: Implementation): RegExp | undefined => {
  if (who === 'go' && /\(\?[!=]|\(\?<[!=]|\\[1-9hZ]|\+\+|\{1\d{3,}/.test(source)) return undefined;
  const flags = source.startsWith('(?i)') ? 'ui' : 'u';
  const words = source
    .replace(/^\(\?i\)/, '')
    .replaceAll('\\A', '^')
    .replace(/\\[zZ]/g, '$')
    .replaceAll('\\h', '[0-9a-fA-F]')
    .replaceAll('[[:alpha:]]', who === 'go' ? '[A-Za-z]' : '\\p{L}')
    .replaceAll('++', '+');
  try {
    return new RegExp(words, flags);
  } catch {
    return undefined;
  }
};

const fields = (line: string): Fields | undefined => {
  if (/^(#.*|\s*)$/.test(line) || /^policy\s+default\s+\w/.test(line)) return undefined;
  const found = /^(allow|deny)\t+(.+?)\t+(.+?)\t+(.+?)(\t+(.+?))*$/su.exec(line);
  return found === null
    ? undefined
    : [found[1] ?? '', found[2] ?? '', found[3] ?? '', found[4] ?? '', found[6]];
};

const linesOf = (text: string, who: Implementation): readonly string[] =>
  text.split('\n').map((line) => (who === 'go' ? line.replace(/\r$/, '') : line));

const isYes = (
  { options }: Vector,
  name: 'allow_unconfigured' | 'enable_default',
  who: Implementation,
): boolean => {
  const text = options[name] ?? 'n';
  return who === 'go' ? /^(1|yes|true|y|t)$/i.test(text) : /^1|y/i.test(text);
};

const policyPath = (vector: Vector, who: Implementation): string | undefined => {
  const own = `policies/${vector.request.agent}.policy`;
  if (own in vector.files) return own;
  const standby = `policies/${vector.options.default_name ?? 'default'}.policy`;
  return isYes(vector, 'enable_default', who) && standby in vector.files ? standby : undefined;
};
