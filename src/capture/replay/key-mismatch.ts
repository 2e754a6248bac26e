import { formatPath } from '../../config/problem.ts';
import { pathOf, sidesOf } from '../../setup/sides.ts';
import { type CassetteEntry, type CassetteHeader, type CassetteMessage, isRejected } from '../file/format.ts';
import { fingerprintsOf } from '../file/keys.ts';
import type { ComparedMessage } from './compared-message.ts';
import type { ReplayConfig } from './replay-config.ts';

/** What a message is refused for where its key is not the one that is configured. */
const BY_KEY: ReadonlySet<string> = new Set([
  'invalid_signature',
  'untrusted_certificate',
  'caller_not_allowed',
]);

/** What a reply is refused for where its token was made with another cluster key. */
const BY_CLUSTER_KEY = 'token_forged';

type Cause = 'keys' | 'cluster key';

const counter = () => {
  const counts = new Map<string, number>();
  return {
    add: (lane: string): void => {
      counts.set(lane, (counts.get(lane) ?? 0) + 1);
    },
    of: (lane: string): number => counts.get(lane) ?? 0,
    lanes: (): readonly string[] => [...counts.keys()],
  };
};

/** Notices a configuration whose keys cannot be those of the cassette: nothing that comes by a link can be verified. */
export class KeyMismatchDetector {
  readonly #recorded: CassetteHeader['keys'];
  readonly #here: Pick<ReplayConfig, 'loaded' | 'sideKeys'>;
  readonly #came = counter();
  readonly #refused = { keys: counter(), 'cluster key': counter() };
  readonly #causes = new WeakMap<ComparedMessage, { readonly lane: string; readonly cause: Cause }>();

  constructor(header: CassetteHeader, here: Pick<ReplayConfig, 'loaded' | 'sideKeys'>) {
    this.#recorded = header.keys;
    this.#here = here;
  }

  came({ side, link }: CassetteMessage): void {
    this.#came.add(`${side} ${link}`);
  }

  /**
   * A rejection, and the message that it is about.
   * @param isAnswer whether the cassette has the request that this message is a reply to
   */
  cause(
    rejection: ComparedMessage,
    message: CassetteEntry,
    isAnswer: (reply: CassetteMessage) => boolean,
  ): void {
    const { entry } = rejection;
    if (!isRejected(entry) || isRejected(message)) return;
    const { code } = entry.rejected;
    const lane = `${message.side} ${message.link}`;
    if (BY_KEY.has(code)) this.#causes.set(rejection, { lane, cause: 'keys' });
    else if (code === BY_CLUSTER_KEY && !isAnswer(message))
      this.#causes.set(rejection, { lane, cause: 'cluster key' });
  }

  /** A rejection that was not recorded. */
  unexpected(rejection: ComparedMessage): void {
    const known = this.#causes.get(rejection);
    if (known !== undefined) this.#refused[known.cause].add(known.lane);
  }

  /** Why nothing can be said of the cassette; undefined where the keys may be right. */
  verdict(): string | undefined {
    const sentences = [...this.#ofKeys(), ...this.#ofClusterKey()];
    return sentences.length === 0 ? undefined : sentences.join('\n');
  }

  /** What explains some of the differences. */
  notes(): readonly string[] {
    const forged = this.#refused['cluster key'];
    return forged
      .lanes()
      .map(
        (lane) =>
          `of the ${this.#came.of(lane)} messages that came by ${lane}, ${forged.of(lane)} answer no request of this cassette: only with the cluster key of the recording can they be brought home`,
      );
  }

  #ofKeys(): readonly string[] {
    const refused = this.#refused.keys;
    return refused.lanes().flatMap((lane) => {
      const count = refused.of(lane);
      const differing = count === this.#came.of(lane) ? this.#differing(lane) : [];
      return differing.length === 0
        ? []
        : [
            `none of the ${count} messages that came by ${lane} can be verified with the keys of this configuration:`,
            ...differing,
          ];
    });
  }

  #ofClusterKey(): readonly string[] {
    const forged = this.#refused['cluster key'];
    return forged
      .lanes()
      .filter((lane) => forged.of(lane) === this.#came.of(lane))
      .map(
        (lane) =>
          `none of the ${forged.of(lane)} messages that came by ${lane} answers a request of this cassette, and the cluster key is not that of the recording`,
      );
  }

  #differing(lane: string): readonly string[] {
    const { loaded, sideKeys } = this.#here;
    const side = sidesOf(loaded.config).find(({ kind, adapter }) => lane === `${kind} ${adapter.name}`);
    if (side === undefined) return [];
    const configured = fingerprintsOf(loaded, sideKeys);
    const settings = `${formatPath(pathOf(side))}.`;
    // What the bridge itself signs with verifies nothing that comes.
    const own = side.adapter.keys().flatMap(({ use, setting }) => (use === 'sign' ? [setting[0]] : []));
    const recorded = Object.entries(this.#recorded).filter(
      ([name]) => name.startsWith(settings) && !own.includes(sectionOf(name.slice(settings.length))),
    );
    return recorded.flatMap(([name, fingerprint]) => {
      const here = configured[name];
      return here === fingerprint
        ? []
        : [`  ${name}: the cassette has ${fingerprint}, this configuration ${here ?? 'none'}`];
    });
  }
}

/** `signing` of `signing.keys_dir/alice.pem` */
const sectionOf = (setting: string): string | undefined => /^\w+/.exec(setting)?.[0];
