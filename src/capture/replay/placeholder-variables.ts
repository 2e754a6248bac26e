import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { Registry } from '../../adapters/registry.ts';
import { ANY_CONTEXT } from '../../config/context.ts';
import { SECRET_KEYS } from '../../config/secret.ts';
import { isSecretIn } from '../../config/secret-leaves.ts';
import type { Environment } from '../../config/substitute.ts';

/** `${NAME}`, but neither `$${NAME}` nor `${NAME:-default}`. */
const REQUIRED = /\$\$\{|\$\{([A-Za-z_]\w*)\}/g;
const WHOLE = /^\$\{\w+\}$/;

const secret = (): string => randomBytes(32).toString('hex');
/** Fits as a host, a port and a user. */
const ANY = '4222';

/** One that is valid where it stands. */
const server = ({ type, path: [section] }: Place, { ingress, egress }: Registry): string =>
  (section === 'ingresses' ? ingress(type) : egress(type))?.anyServer ?? 'nats://127.0.0.1';

/** What stands for a variable below a key, whether it is all of the value or a part; of keys that only connections need. */
const MADE_UP: ReadonlyMap<string, (isWhole: boolean, place: Place, registry: Registry) => string> = new Map([
  ...[...SECRET_KEYS].map((key) => [key, secret] as const),
  ['user', () => ANY],
  ['tls', () => ANY],
  [
    'servers',
    (isWhole: boolean, place: Place, registry: Registry) => (isWhole ? server(place, registry) : ANY),
  ],
  ['listen', (isWhole: boolean) => (isWhole ? `127.0.0.1:${ANY}` : ANY)],
  ['record_socket', () => ANY],
  ['control_socket', () => ANY],
]);

interface Place {
  /** The nearest key that only connections need, where it is below one. */
  readonly key: string | undefined;
  /** `type` of the nearest mapping that has one. */
  readonly type: unknown;
  /** The keys that lead to it: `['egresses', 'legacy', 'password']`. */
  readonly path: readonly string[];
  /** What it is in; an alias may lead back to one of them. */
  readonly within: readonly unknown[];
}

/** Whether it is a secret by what the type of its ingress or egress says, whatever its key is. */
const isSecretOfType = ({ type, path: [section, , ...path] }: Place, registry: Registry): boolean => {
  const types = { ingresses: registry.ingress, egresses: registry.egress };
  if (section !== 'ingresses' && section !== 'egresses') return false;
  return isSecretIn(types[section](type)?.schema(ANY_CONTEXT), path);
};

/** Calls `found` for each variable that a configuration needs. */
const walk = (
  value: unknown,
  place: Place,
  found: (name: string, place: Place, isWhole: boolean) => void,
): void => {
  if (place.within.includes(value)) return;
  const within = [...place.within, value];
  if (typeof value === 'string') {
    for (const [, name] of value.matchAll(REQUIRED))
      if (name !== undefined) found(name, place, WHOLE.test(value));
  } else if (Array.isArray(value)) {
    for (const item of value) walk(item, { ...place, within }, found);
  } else if (typeof value === 'object' && value !== null) {
    const type = 'type' in value ? value.type : place.type;
    for (const [key, item] of Object.entries(value))
      walk(
        item,
        { key: MADE_UP.has(key) ? key : place.key, type, path: [...place.path, key], within },
        found,
      );
  }
};

const documentIn = (file: string): unknown => {
  try {
    return parse(readFileSync(file, 'utf8'), { merge: true });
  } catch {
    // The loader reports what is wrong with it.
    return undefined;
  }
};

/**
 * Whether a value is not used.
 * @param key the nearest one that only connections need
 * @param path the keys that lead to it: `['egresses', 'legacy', 'password']`
 */
export type IsUnused = (key: string, path: readonly string[]) => boolean;

/** What only the bridge itself needs, and no other client of the same networks. */
export const ofTheBridge: IsUnused = (key) =>
  key === 'cluster_key' || key === 'next_cluster_key' || key === 'listen';
/** What only those need who connect to the networks, or are reached over one. */
export const ofConnections: IsUnused = (key) => key !== 'record_socket';

/**
 * The environment with made-up values for variables that are not set and that stand only where nobody looks who makes no
 * connection: in secrets, TLS, servers' addresses, and the bridge's own address.
 * @param registry the types that entries can be of, as `loadRegistry` gives them
 */
export const withMadeUpVariables = (
  file: string,
  env: Environment,
  registry: Registry,
  isUnused: IsUnused = () => true,
): Environment => {
  const madeUp = new Map<string, string>();
  const needed = new Set<string>();
  const whole: Place = { key: undefined, type: undefined, path: [], within: [] };
  walk(documentIn(file), whole, (name, place, isWhole) => {
    const { path } = place;
    const isSecret = place.key === undefined && isSecretOfType(place, registry);
    const key = isSecret ? path.at(-1) : place.key;
    const made = isSecret ? secret : MADE_UP.get(key ?? '');
    const make = key === undefined || !isUnused(key, path) ? undefined : made;
    if (make === undefined) needed.add(name);
    else if (!madeUp.has(name)) madeUp.set(name, make(isWhole, place, registry));
  });
  const missing = [...madeUp].filter(([name]) => !needed.has(name) && env[name] === undefined);
  return { ...env, ...Object.fromEntries(missing) };
};
