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

/** Keys whose values are secrets, in YAML's spelling. */
export const SECRET_KEYS: ReadonlySet<string> = new Set(['password', 'token', 'cluster_key']);
