import { mapCaller } from '../../bridge/identity-map.ts';
import { formatPath } from '../../config/problem.ts';
import { Rejection } from '../../envelope/rejection.ts';
import type { Config } from '../../setup/types.ts';
import type { CassetteHeader, CassetteMessage } from '../file/format.ts';
import { pemFingerprint } from '../file/keys.ts';
import type { LegacyKeys } from './legacy-keys.ts';

/** By egress, the setting with files for each caller, of those that do not sign with one key for all. */
const foldersOf = ({ egresses }: Pick<Config, 'egresses'>): ReadonlyMap<string, string> =>
  new Map(
    [...egresses].flatMap(([name, { adapter }]) =>
      adapter
        .keys()
        .flatMap(({ kind, use, setting }): [string, string][] =>
          kind === 'folder' && use === 'sign' ? [[name, formatPath(['egresses', name, ...setting])]] : [],
        ),
    ),
  );

/**
 * In whose names the bridge signs, or would, on egresses with a key for each caller: those of the requests that a recording
 * has, also of such as the bridge refused. Who has a key decides what a request is refused for, or whether it is.
 */
export class Signers {
  readonly #routes: Config['routes'];
  readonly #folders: ReadonlyMap<string, string>;
  readonly #callers = new Map<string, string>();

  constructor(config: Pick<Config, 'egresses' | 'routes'>) {
    this.#routes = config.routes;
    this.#folders = foldersOf(config);
  }

  /** @param callerId of a request */
  add({ side, link }: Pick<CassetteMessage, 'side' | 'link'>, callerId: string): void {
    if (side === 'egress') {
      this.#note(link, callerId);
      return;
    }
    for (const { from, to, identities } of this.#routes)
      if (from === link) this.#noteMapped(to, callerId, identities);
  }

  /**
   * Those of the recorded keys that a replay has to know of, as the keys that stand in for them. Callers who are in no
   * message of the recording stay out of its header too.
   */
  keys(recorded: CassetteHeader['keys'], keys: Pick<LegacyKeys, 'caller'>): CassetteHeader['keys'] {
    return Object.fromEntries(
      Object.keys(recorded).flatMap((setting) => {
        const callerId = this.#callers.get(setting);
        if (callerId === undefined) return [];
        return [[setting, pemFingerprint(Buffer.from(keys.caller(callerId).publicKey))]];
      }),
    );
  }

  #noteMapped(egress: string, callerId: string, rules: Config['routes'][number]['identities']): void {
    try {
      this.#note(egress, mapCaller(callerId, { rules, privileged: [] }));
    } catch (error) {
      // There are no names to sign for.
      if (!(error instanceof Rejection)) throw error;
    }
  }

  #note(egress: string, callerId: string): void {
    const folder = this.#folders.get(egress);
    // As headers of cassettes name the key or certificate of a caller.
    if (folder !== undefined)
      this.#callers.set(`${folder}/${callerId.slice(callerId.indexOf('=') + 1)}.pem`, callerId);
  }
}
