import { formatJson } from '../adapters/choria/wire/index.ts';
import { isMap, type Value, type ValueMap } from '../envelope/value.ts';

const isList = (value: Value | undefined): value is readonly Value[] => Array.isArray(value);

/** As it stands where it is not what a filter should hold: this is for reading, not for judging. */
const word = (value: Value | undefined): string =>
  value === undefined ? '?' : typeof value === 'string' ? value : formatJson(value);

const fact = (entry: Value): string =>
  isMap(entry)
    ? `${word(entry.get('fact'))} ${word(entry.get('operator'))} ${word(entry.get('value'))}`
    : word(entry);

/** `name('params').value operator compare`, as a user writes a call of a data plugin. */
const call = (statement: ValueMap): string => {
  const [params, value] = [statement.get('params'), statement.get('value')];
  const given = params === undefined || params === null ? '' : `'${word(params)}'`;
  const part = value === undefined || value === null ? '' : `.${word(value)}`;
  return `${word(statement.get('name'))}(${given})${part}${word(statement.get('operator'))}${word(statement.get('r_compare'))}`;
};

const token = (entry: Value): string => {
  const pair = isMap(entry) && entry.size === 1 ? [...entry][0] : undefined;
  if (pair === undefined) return word(entry);
  const [kind, content] = pair;
  if (kind === 'fstatement' && isMap(content)) return call(content);
  return word(content);
};

/** A compound filter as its user wrote it, from MCollective's list of tokens or go-choria's expression. */
const compound = (tokens: Value): string =>
  isList(tokens) ? tokens.map(token).join(' ').replace(/\( /g, '(').replace(/ \)/g, ')') : word(tokens);

const PARTS: Readonly<Record<string, readonly [label: string, write: (entry: Value) => string]>> = {
  fact: ['fact', fact],
  cf_class: ['class', word],
  agent: ['agent', word],
  identity: ['identity', word],
  compound: ['compound', compound],
};

/** A filter in words, from the form that both protocols give it: `fact country == uk; class apache`. */
export const filterText = (filter: ValueMap): string => {
  const parts = [...filter].flatMap(([name, value]) => {
    const known = Object.hasOwn(PARTS, name) ? PARTS[name] : undefined;
    if (known === undefined || !isList(value)) return [`${name} ${word(value)}`];
    const [label, write] = known;
    return value.map((entry) => `${label} ${write(entry)}`);
  });
  return parts.length === 0 ? 'none, all nodes are meant' : parts.join('; ');
};
