import type { Outcome, Question } from '../../../src/policy/evaluator.ts';
import type { PlainFile, PlainRule } from './generated.ts';

/**
 * Decides by plain rules, in the plainest way: each request looks at each rule, each pattern is a `RegExp`. It shares no code
 * with the bridge, so that what both say the same of is right, or wrong in two ways at once.
 */

type Groups = PlainFile['groups'];

const isNamed = (name: string, entries: readonly string[], groups: Groups): boolean =>
  entries.some((entry) => {
    if (entry === '*' || entry === name) return true;
    if (entry.startsWith('/')) return new RegExp(`^(?:${entry.slice(1, -1)})$`).test(name);
    return entry in groups && isNamed(name, groups[entry] ?? [], groups);
  });

const numberIn = (value: unknown, key: string, otherwise: number): number => {
  const found: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
  return typeof found === 'number' ? found : otherwise;
};

const isInput = (wanted: Readonly<Record<string, unknown>>, isThere: boolean, value: unknown): boolean => {
  const [[word, what] = []] = Object.entries(wanted);
  if (word === 'present') return what === isThere;
  if (!isThere) return false;
  if (word === 'equals') return value === what;
  if (word === 'one_of') return Array.isArray(what) && what.includes(value);
  if (word === 'matches') return typeof value === 'string' && new RegExp(`^(?:${what})$`).test(value);
  if (typeof value !== 'number') return false;
  return value >= numberIn(what, 'from', -1e9) && value <= numberIn(what, 'to', 1e9);
};

const texts = (value: unknown): readonly string[] => (Array.isArray(value) ? value.map(String) : []);

const isBorne = (requires: Readonly<Record<string, unknown>>, { filter, nodes }: Question): boolean => {
  const facts = filter.fact.map(
    ({ fact, operator, value }) => `${fact}${operator === '==' ? '=' : operator}${value}`,
  );
  const all = [...filter.fact, ...filter.cfClass, ...filter.identity, ...filter.compound];
  const allowed = requires['identities'] === undefined ? undefined : texts(requires['identities']);
  const isWithin = (names: readonly string[] = []): boolean =>
    names.length > 0 && names.filter((name) => !allowed?.includes(name)).length === 0;
  return (
    texts(requires['facts']).every((fact) => facts.includes(fact)) &&
    texts(requires['classes']).every((name) => filter.cfClass.includes(name)) &&
    (allowed === undefined || isWithin(filter.identity) || isWithin(nodes)) &&
    (requires['any_filter'] !== true || all.length > 0)
  );
};

const shows = new Map<string, Intl.DateTimeFormat>();

/** What clocks of a zone show, as `2026-11-30 12:05`: Sweden writes it so. */
const localTime = (time: number, zone: string): string => {
  const format =
    shows.get(zone) ??
    new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'short' });
  shows.set(zone, format);
  return format.format(time);
};

const WEEK = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

type PlainWindow = NonNullable<PlainRule['windows']>[number];

const isOpen = ({ days = WEEK, from, to, zone }: PlainWindow, time: number): boolean => {
  const [date = '', clock = ''] = localTime(time, zone).split(' ');
  const dayAt = (ago: number): string =>
    WEEK[new Date(Date.parse(date) - ago * 86_400_000).getUTCDay()] ?? '';
  // Texts of times are in the order of times.
  if (from < to) return from <= clock && clock < to && days.includes(dayAt(0));
  return (from <= clock && days.includes(dayAt(0))) || (clock < to && days.includes(dayAt(1)));
};

const isAgent = (entries: readonly string[], { agent, action }: Question): boolean =>
  entries.some((entry) => [agent, `${agent}.*`, `${agent}.${action}`].includes(entry));

const isFor = (rule: PlainRule, question: Question, groups: Groups): boolean => {
  const { caller, as, collective, ingress, egress, nodes, data, time } = question;
  return (
    (rule.discovery === true) === (question.action === undefined) &&
    (rule.callers === undefined || isNamed(caller, rule.callers, groups)) &&
    (rule.as === undefined || isNamed(as, rule.as, groups)) &&
    (rule.agents === undefined || isAgent(rule.agents, question)) &&
    (rule.collectives === undefined || rule.collectives.includes(collective)) &&
    (rule.ingress === undefined || rule.ingress.includes(ingress)) &&
    (rule.egress === undefined || rule.egress.includes(egress)) &&
    (rule.nodes === undefined || nodes?.every((it) => isNamed(it, rule.nodes ?? [], {})) === true) &&
    Object.entries(rule.inputs ?? {}).every(([name, it]) => isInput(it, data.has(name), data.get(name))) &&
    (rule.requires === undefined || isBorne(rule.requires, question)) &&
    (rule.windows === undefined || rule.windows.some((window) => isOpen(window, time)))
  );
};

/** @param nameOf what a rule is called, by its place in the list */
export const secondOpinion = (
  { rules, groups }: PlainFile,
  question: Question,
  nameOf: (index: number) => string,
): Outcome => {
  const fitting = rules
    .map((rule, index) => ({ rule, index }))
    .filter(({ rule }) => isFor(rule, question, groups));
  const decides = fitting.findIndex(({ rule }) => rule.shadow !== true);
  const told = fitting.slice(0, decides === -1 ? undefined : decides)[0];
  const shadow = told === undefined ? {} : { shadow: { rule: nameOf(told.index) } };
  const found = fitting[decides];
  if (found === undefined) return { verdict: question.action === undefined ? 'allow' : 'deny', ...shadow };
  const { verdict, max_nodes: most } = found.rule;
  const limit = most === undefined ? {} : { maxNodes: { most, isShadow: false } };
  return { verdict, rule: nameOf(found.index), ...limit, ...shadow };
};
