import {
  type CassetteEntry,
  type CassetteHeader,
  type CassetteMessage,
  isRejected,
} from '../cassette/format.ts';
import { fingerprintsOf } from '../cassette/keys.ts';
import type { LoadedConfig } from '../config/load.ts';
import type { Item } from './item.ts';

/** What a message is refused for where its key is not the one that is configured. */
const BY_KEY: ReadonlySet<string> = new Set([
  'invalid_signature',
  'untrusted_certificate',
  'caller_not_allowed',
  'token_forged',
]);

/** Notices a configuration whose keys cannot be those of the cassette: nothing that comes by a link can be verified. */
export class KeyWatch {
  readonly #recorded: CassetteHeader['keys'];
  readonly #loaded: LoadedConfig;
  readonly #came = new Map<string, number>();
  readonly #refused = new Map<string, number>();
  readonly #causes = new WeakMap<Item, string>();

  constructor(header: CassetteHeader, loaded: LoadedConfig) {
    this.#recorded = header.keys;
    this.#loaded = loaded;
  }

  came({ side, link }: CassetteMessage): void {
    const lane = `${side} ${link}`;
    this.#came.set(lane, (this.#came.get(lane) ?? 0) + 1);
  }

  /** A rejection, and the message that it is about. */
  cause(rejection: Item, message: CassetteEntry): void {
    const { entry } = rejection;
    if (isRejected(entry) && BY_KEY.has(entry.rejected.code) && !isRejected(message))
      this.#causes.set(rejection, `${message.side} ${message.link}`);
  }

  /** A rejection that was not recorded. */
  unexpected(rejection: Item): void {
    const lane = this.#causes.get(rejection);
    if (lane !== undefined) this.#refused.set(lane, (this.#refused.get(lane) ?? 0) + 1);
  }

  /** Why nothing can be said of the cassette; undefined where the keys may be right. */
  verdict(): string | undefined {
    const refused = [...this.#refused].filter(([lane, count]) => count === this.#came.get(lane));
    const sentences = refused.flatMap(([lane, count]) => {
      const differing = this.#differing(lane);
      return differing.length === 0
        ? []
        : [
            `none of the ${count} messages that came by ${lane} can be verified with the keys of this configuration:`,
            ...differing,
          ];
    });
    return sentences.length === 0 ? undefined : sentences.join('\n');
  }

  #differing(lane: string): readonly string[] {
    const configured = fingerprintsOf(this.#loaded);
    const [side = '', link = ''] = lane.split(' ');
    const settings = `${side === 'ingress' ? 'ingresses' : 'egresses'}.${link}.`;
    const recorded = Object.entries(this.#recorded).filter(
      ([name]) => name.startsWith(settings) || (side === 'egress' && name === 'cluster_key'),
    );
    return recorded.flatMap(([name, fingerprint]) => {
      const here = configured[name];
      return here === fingerprint
        ? []
        : [`  ${name}: the cassette has ${fingerprint}, this configuration ${here ?? 'none'}`];
    });
  }
}
