import { inspect } from 'node:util';

/** A password, token or key: shows itself only to who asks by name, never to a log, a template or JSON. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return '[secret]';
  }

  toJSON(): string {
    return '[secret]';
  }

  [inspect.custom](): string {
    return '[secret]';
  }
}

/** What stands for a secret in a sentence. */
export const SECRET_SHOWN = 'the value (a secret, not shown)';

/** Keys whose values are secrets whatever reads them, in YAML's spelling. */
export const SECRET_KEYS: ReadonlySet<string> = new Set([
  'password',
  'token',
  'cluster_key',
  'next_cluster_key',
]);
