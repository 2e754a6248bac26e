import { randomBytes } from 'node:crypto';
import type { KeyUse } from '../../adapters/kit/key-use.ts';
import type { SharedSecrets } from '../../adapters/kit/own-wire.ts';
import { type ParseFile, trimKey } from '../../config/files.ts';
import { formatPath } from '../../config/problem.ts';
import { pathOf, type Side } from '../../setup/sides.ts';

const SECRET_BYTES = 32;

/** The files of a side with a secret that proves its messages, by their settings. */
export const secretsOf = ({ adapter }: Side): ReadonlyMap<string, KeyUse> =>
  new Map(
    adapter.keys().flatMap((it) => (it.kind === 'secret' ? [[formatPath(it.setting), it] as const] : [])),
  );

/** One secret that stands in for each file of one: sides that share a file share that too. */
export class StandInSecrets {
  readonly #made = new Map<string, string>();
  readonly #parse: ParseFile;

  constructor(parse: ParseFile) {
    this.#parse = parse;
  }

  of(side: Side): SharedSecrets {
    const files = secretsOf(side);
    const read = new Map<string, string>();
    const use = (setting: string): KeyUse => {
      const found = files.get(setting);
      if (found === undefined)
        throw new Error(`keys() of ${side.adapter.name} names no secret by the setting ${setting}`);
      return found;
    };
    return {
      recorded: (setting) => {
        const { path, at } = use(setting);
        const text =
          read.get(setting) ??
          this.#parse(path, [...pathOf(side), ...at], (bytes) => trimKey(bytes).toString());
        read.set(setting, text);
        return text;
      },
      standIn: (setting) => this.#standIn(use(setting).path),
    };
  }

  /** For a replay to believe: by setting. */
  trust(side: Side): Readonly<Record<string, string>> {
    return Object.fromEntries(
      [...secretsOf(side)].map(([setting, { path }]) => [setting, this.#standIn(path)]),
    );
  }

  #standIn(file: string): string {
    const made = this.#made.get(file) ?? randomBytes(SECRET_BYTES).toString('hex');
    this.#made.set(file, made);
    return made;
  }
}
