import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { quoted } from '../envelope/text.ts';
import { entriesOf } from './merge.ts';
import { formatPath, type KeyPath, type Position, type Problem } from './problem.ts';
import { SECRET_KEYS, SECRET_SHOWN } from './secret.ts';
import { type Environment, substitute } from './substitute.ts';
import { contentProblem, syntaxProblem, telling } from './syntax.ts';

/** Plain data as YAML gives it, the environment already put in. */
export type Plain = null | boolean | number | string | readonly Plain[] | { readonly [key: string]: Plain };

/** A parsed configuration file that still knows where everything stood. */
export interface ConfigDocument {
  readonly file: string;
  readonly value: Plain;
  /** Syntax errors, duplicate keys, variables that are not set. */
  readonly problems: readonly Problem[];
  /** Where a key's value starts; for a key that is not there, the nearest key above it. */
  at(path: KeyPath): Position;
  /** Where a key itself starts; an entry of a list has none, so there it is the entry. */
  keyAt(path: KeyPath): Position;
  /** Whether a key is there, also without a value. */
  has(path: KeyPath): boolean;
  /** A value as the file has it (variables not replaced), shortened and quoted; a secret's is never shown. */
  show(path: KeyPath): string;
}

/** What `show` says of what is not text or number. */
export const A_MAPPING = 'a mapping';
export const A_LIST = 'a list';
export const NOTHING = 'nothing';

interface Spot {
  readonly key: number;
  readonly value: number;
  readonly shown: string;
}

// Aliases may repeat a part of the file, but a handful of lines must not grow into a million nodes.
const MAX_NODES = 100_000;

const id = (path: KeyPath): string => JSON.stringify(path);

const shorten = (text: string): string => (text.length > 80 ? `${text.slice(0, 77)}...` : text);

/** Text as written, without what may be a URL's user and password, with or without a scheme. */
const showText = (text: string): string => quoted(shorten(text.replace(/^([a-z+]+:\/\/)?.*@/s, '$1***@')));

const isSecret = (path: KeyPath): boolean =>
  path.some((segment) => typeof segment === 'string' && SECRET_KEYS.has(segment));

/** Parses `text`; never throws: what is wrong is in `problems`. */
export const parseConfigDocument = (text: string, file: string, env: Environment): ConfigDocument => {
  const lines = new LineCounter();
  const doc = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false, // they quote the file, which may hold secrets
    uniqueKeys: false, // found below, where the path is known
    stringKeys: true,
    logLevel: 'error', // with 'silent' a second document would be dropped without a word
  });
  const spots = new Map<string, Spot>();
  const problems: Problem[] = [];
  let nodes = 0;

  const position = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const report = (path: KeyPath, offset: number, message: string): void => {
    problems.push({ file, ...position(offset), path: formatPath(path), message });
  };

  const plain = (node: Node | null, path: KeyPath, key: number, open: readonly Node[]): Plain => {
    const value = node?.range?.[0] ?? key;
    const spot = (shown: string): void => {
      spots.set(id(path), { key, value, shown });
    };
    const spotValue = (shown: string): void => spot(isSecret(path) ? SECRET_SHOWN : shown);
    if (++nodes > MAX_NODES) {
      if (nodes === MAX_NODES + 1) report(path, value, `the file has more than ${MAX_NODES} values`);
      return null;
    }
    if (isAlias(node)) {
      const target = node.resolve(doc);
      if (target === undefined || open.includes(target)) {
        spot('an alias');
        report(
          path,
          value,
          'an alias (*) to nothing, or to what it is part of; put text that starts with * in quotes',
        );
        return null;
      }
      return plain(target, path, key, open);
    }
    if (isMap(node)) {
      spot(A_MAPPING);
      const entries: [string, Plain][] = [];
      const seen = new Map<string, number>();
      const merged = entriesOf(node, doc);
      for (const offset of merged.wrong)
        report(
          [...path, '<<'],
          offset,
          'a merge (<<) takes an alias (*) to a mapping, or a list of them; its anchor (&) has to stand before it',
        );
      for (const pair of merged.pairs) {
        const name = isScalar(pair.key) ? String(pair.key.value) : '';
        const start = isScalar(pair.key) ? (pair.key.range?.[0] ?? value) : value;
        const below = [...path, name];
        const first = seen.get(name);
        if (first !== undefined)
          report(below, start, `this key is there twice, first in line ${position(first).line}`);
        else if (name === '__proto__') report(below, start, 'this key cannot be used');
        else {
          const child = isNode(pair.value) ? pair.value : null;
          entries.push([name, plain(child, below, start, [...open, node])]);
        }
        seen.set(name, first ?? start);
      }
      return Object.fromEntries(entries);
    }
    if (isSeq(node)) {
      spot(A_LIST);
      return node.items.map((item, index) => {
        const child = isNode(item) ? item : null;
        return plain(child, [...path, index], child?.range?.[0] ?? value, [...open, node]);
      });
    }
    const scalar: unknown = isScalar(node) ? node.value : null;
    if (typeof scalar === 'string') {
      spotValue(showText(scalar));
      const result = substitute(scalar, env);
      for (const error of result.errors) report(path, value, error);
      return result.text;
    }
    if (typeof scalar === 'number' || typeof scalar === 'boolean') {
      spotValue(isScalar(node) && node.source !== undefined ? shorten(node.source) : String(scalar));
      return scalar;
    }
    spot(NOTHING);
    return null;
  };

  for (const error of telling([...doc.errors, ...doc.warnings]))
    problems.push({ file, ...position(error.pos[0]), path: '', message: syntaxProblem(error) });
  const content = problems.length > 0 ? undefined : contentProblem(doc.contents, text);
  if (content !== undefined) report([], 0, content);
  const value = problems.length > 0 ? null : plain(doc.contents, [], 0, []);

  const find = (path: KeyPath): { readonly spot: Spot; readonly isValue: boolean } | undefined => {
    for (let length = path.length; length >= 0; length--) {
      const spot = spots.get(id(path.slice(0, length)));
      // An index without a list: one value stands for a list of one.
      const isValue = length === path.length || typeof path[length] === 'number';
      if (spot !== undefined) return { spot, isValue };
    }
    return undefined;
  };

  return {
    file,
    value,
    problems,
    at: (path) => {
      const found = find(path);
      return position(found?.isValue === true ? found.spot.value : (found?.spot.key ?? 0));
    },
    keyAt: (path) => position(find(path)?.spot.key ?? 0),
    has: (path) => spots.has(id(path)),
    show: (path) => spots.get(id(path))?.shown ?? NOTHING,
  };
};

const isNode = (value: unknown): value is Node =>
  isAlias(value) || isMap(value) || isSeq(value) || isScalar(value);
