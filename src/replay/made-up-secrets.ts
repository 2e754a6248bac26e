import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { SECRET_KEYS } from '../config/secret.ts';
import type { Environment } from '../config/substitute.ts';

/** `${NAME}`, but neither `$${NAME}` nor `${NAME:-default}`. */
const REQUIRED = /\$\$\{|\$\{([A-Za-z_]\w*)\}/g;

/** Calls `found` for each variable that a configuration needs. */
const walk = (value: unknown, isSecret: boolean, found: (name: string, isSecret: boolean) => void): void => {
  if (typeof value === 'string') {
    for (const [, name] of value.matchAll(REQUIRED)) if (name !== undefined) found(name, isSecret);
  } else if (Array.isArray(value)) {
    for (const item of value) walk(item, isSecret, found);
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, item] of Object.entries(value)) walk(item, isSecret || SECRET_KEYS.has(key), found);
  }
};

const documentIn = (file: string): unknown => {
  try {
    return parse(readFileSync(file, 'utf8'));
  } catch {
    // Whoever loads the configuration says what is wrong with it.
    return undefined;
  }
};

/**
 * The environment with made-up values for variables that are not set and that only secrets of the configuration are made of:
 * passwords and tokens of connections that a replay does not make, and the cluster key.
 */
export const withMadeUpSecrets = (file: string, env: Environment): Environment => {
  const secret = new Set<string>();
  const others = new Set<string>();
  walk(documentIn(file), false, (name, isSecret) => (isSecret ? secret : others).add(name));
  const missing = [...secret].filter((name) => !others.has(name) && env[name] === undefined);
  return { ...env, ...Object.fromEntries(missing.map((name) => [name, randomBytes(32).toString('hex')])) };
};
