import { mapCaller } from '../../bridge/identity-map.ts';
import { Rejection } from '../../envelope/rejection.ts';
import type { Config, EgressConfig } from '../../setup/types.ts';
import type { CassetteHeader, CassetteMessage } from '../file/format.ts';
import { pemFingerprint } from '../file/keys.ts';
import type { LegacyKeys } from './legacy-keys.ts';

/** The setting of an egress with files for each caller; undefined for one that signs with one key for all. */
const folderOf = (it: EgressConfig | undefined): string | undefined => {
  if (it?.type === 'mcollective-stomp') return it.signing.kind === 'keys' ? 'keys_dir' : undefined;
  return it?.signing?.kind === 'callers' ? 'certs_dir' : undefined;
};

/** Where the key or certificate of a caller is: as headers of cassettes name it. */
const settingOf = (egress: string, folder: string, callerId: string): string =>
  `egresses.${egress}.signing.${folder}/${callerId.slice(callerId.indexOf('=') + 1)}.pem`;

/**
 * In whose names the bridge signs, or would, on egresses with a key for each caller: those of the requests that a recording
 * has, also of such as the bridge refused. Who has a key decides what a request is refused for, or whether it is.
 */
export class Signers {
  readonly #config: Pick<Config, 'egresses' | 'routes'>;
  readonly #callers = new Map<string, string>();

  constructor(config: Pick<Config, 'egresses' | 'routes'>) {
    this.#config = config;
  }

  /** @param callerId of a request */
  add({ side, link }: Pick<CassetteMessage, 'side' | 'link'>, callerId: string): void {
    if (side === 'egress') {
      this.#note(link, callerId);
      return;
    }
    for (const { from, to, identities } of this.#config.routes)
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
      // Nobody is signed for.
      if (!(error instanceof Rejection)) throw error;
    }
  }

  #note(egress: string, callerId: string): void {
    const folder = folderOf(this.#config.egresses.get(egress));
    if (folder !== undefined) this.#callers.set(settingOf(egress, folder, callerId), callerId);
  }
}
