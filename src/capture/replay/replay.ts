import type { LoadedConfig } from '../../setup/types.ts';
import {
  type CassetteEntry,
  type CassetteHeader,
  type CassetteMessage,
  type CassetteNodes,
  isNodes,
  isRejected,
} from '../file/format.ts';
import { routesInWords } from '../file/header.ts';
import { configFingerprint, fingerprintsOf } from '../file/keys.ts';
import { checkLink } from '../file/links.ts';
import { type LocatedEntry, openCassette } from '../file/read.ts';
import { CassetteWriter } from '../file/write.ts';
import { type Bundles, bundlesOf } from './bundles.ts';
import { byteChanges } from './bytes.ts';
import { ComparedMessage } from './compared-message.ts';
import {
  type BridgeOutput,
  type Harness,
  type HarnessOptions,
  openHarness,
  subscriptionsFollow,
} from './harness.ts';
import { KeyMismatchDetector } from './key-mismatch.ts';
import { Matcher } from './matcher.ts';
import { type ReplayConfig, replayConfigFor } from './replay-config.ts';
import { ReplyAddressMap } from './reply-address-map.ts';
import { type ReplyPaths, replyPathsOf } from './reply-paths.ts';
import type { ReplayResult } from './result.ts';
import { signatureCheck } from './signature-check.ts';
import { Tally } from './tally.ts';

export interface ReplayOptions extends HarnessOptions {
  /** Whether all must be the same in each byte. */
  readonly bytes?: boolean;
  /** Whether the cassette is rewritten with what came out, where that is something else. */
  readonly update?: boolean;
  /** Whether private keys that are missing are made for the replay; what they sign cannot be the same in each byte. */
  readonly throwAwayKeys?: boolean;
  /** Told now and then how many messages were fed so far. */
  readonly onFed?: (fed: number) => void;
  /** Ends it before its end; the cassette is as it was. */
  readonly signal?: AbortSignal;
}

/** What is fed nothing shows nothing, and would be the same whatever is configured. */
const NOTHING = 'it has no message that comes in, so it proves nothing';

/** Messages between two looks at what has waited for too long. */
const MESSAGES_PER_SWEEP = 64;

const entryOf = (outcome: BridgeOutput, at: number): CassetteEntry =>
  outcome.kind === 'sent' ? outcome.message : { at, rejected: outcome.rejected };

/** A message or refusal, and where it stands. */
interface Bundled extends LocatedEntry {
  readonly entry: CassetteEntry;
}

/** One run of a cassette through the bridge. */
class Run {
  readonly #harness: Harness;
  readonly #matcher: Matcher;
  readonly #tally: Tally;
  readonly #watch: KeyMismatchDetector;
  readonly #replyPaths: ReplyPaths;
  readonly #homes: ReplyAddressMap;
  readonly #bundles: Bundles;
  readonly #writer: CassetteWriter | undefined;
  #bundle: Bundled[] = [];
  #turn = 0;
  /** Since subscriptions were last waited for. */
  #learned = true;

  constructor(
    harness: Harness,
    tally: Tally,
    watch: KeyMismatchDetector,
    bundles: Bundles,
    replyPaths: ReplyPaths,
    matcher: Pick<ConstructorParameters<typeof Matcher>[0], 'further'>,
    writer?: CassetteWriter,
  ) {
    this.#harness = harness;
    this.#tally = tally;
    this.#watch = watch;
    this.#bundles = bundles;
    this.#replyPaths = replyPaths;
    this.#homes = new ReplyAddressMap(replyPaths);
    this.#writer = writer;
    this.#matcher = new Matcher({
      ...matcher,
      onPair: (recorded, replayed) => {
        if (!isRejected(recorded.entry) && !isRejected(replayed.entry))
          this.#homes.learn(recorded.entry, replayed.entry);
      },
      onSame: () => tally.same(),
      onDifferent: (recorded, replayed, changes) => {
        if (recorded === undefined && replayed !== undefined) watch.unexpected(replayed);
        tally.different(recorded, replayed, changes);
      },
    });
  }

  /** Messages so far. */
  get fed(): number {
    return this.#turn;
  }

  async take(located: LocatedEntry): Promise<void> {
    const { entry, line } = located;
    if (isNodes(entry)) {
      await this.#moved(entry);
      return;
    }
    if (isRejected(entry) || entry.dir === 'out') {
      if (this.#bundle.length > 0) await this.#feed();
      if (!isRejected(entry) && entry.side === 'egress') this.#homes.asked(entry);
      this.#matcher.recorded(
        new ComparedMessage(entry, { line, turn: this.#turn, replyPaths: this.#replyPaths }),
      );
      return;
    }
    const first = this.#bundle[0]?.entry;
    if (first !== undefined && (isRejected(first) || !this.#bundles.isOne(first, entry))) await this.#feed();
    this.#bundle.push({ entry, line });
    if (!this.#bundles.mayBePart(entry)) await this.#feed();
  }

  async end(): Promise<void> {
    await this.#feed();
    this.#matcher.end();
  }

  async #moved(line: CassetteNodes): Promise<void> {
    await this.#feed();
    this.#writer?.write(line);
    this.#harness.moved(line);
    this.#learned = true;
  }

  async #feed(): Promise<void> {
    const bundle = this.#bundle;
    const last = bundle.at(-1);
    if (last === undefined) return;
    this.#bundle = [];
    let mayWait = false;
    for (const { entry, line } of bundle) {
      if (isRejected(entry)) continue;
      this.#turn++;
      mayWait ||= entry.side === 'ingress';
      await this.#feedOne(entry, line);
    }
    if (mayWait || this.#harness.isBusy()) await this.#harness.settled(mayWait);
    for (const outcome of this.#harness.take()) {
      const entry = entryOf(outcome, last.entry.at);
      this.#writer?.write(entry);
      if (outcome.kind === 'sent') this.#tally.sent();
      else this.#tally.refused(outcome.rejected.code);
      const note = outcome.kind === 'rejected' ? outcome.message : undefined;
      const item = new ComparedMessage(
        entry,
        { line: last.line, turn: this.#turn, replyPaths: this.#replyPaths },
        note,
      );
      if (outcome.kind === 'rejected')
        this.#watch.cause(item, last.entry, (reply) => this.#homes.isAnswer(reply));
      this.#matcher.replayed(item);
    }
    if (this.#writer !== undefined) await this.#writer.drained();
    if (this.#turn % MESSAGES_PER_SWEEP === 0) this.#matcher.sweep(this.#turn);
  }

  async #feedOne(entry: CassetteMessage, line: number): Promise<void> {
    const message = entry.side === 'egress' ? this.#withReplyPath(entry) : entry;
    this.#writer?.write(message);
    this.#tally.fed();
    this.#watch.came(message);
    const heard = this.#harness.feed(message);
    if (entry.side === 'egress') this.#learned ||= heard;
    if (heard) return;
    if (this.#learned && entry.side === 'ingress') {
      this.#learned = false;
      await subscriptionsFollow();
      if (this.#harness.feed(message)) return;
    }
    this.#tally.unheard(message, line);
  }

  /** A reply's request has gone out before, as whatever the replay has made of it. */
  #withReplyPath(message: CassetteMessage): CassetteMessage {
    const waits = this.#matcher.isRequestWaiting;
    if (!waits && !this.#homes.any) return message;
    const way = this.#replyPaths.of(message);
    if (way === undefined) return message;
    if (waits && !this.#homes.knows(way))
      this.#matcher.decideRequest(({ entry }) => !isRejected(entry) && this.#replyPaths.of(entry) === way);
    return this.#homes.redirected(message);
  }
}

/** The keys of this configuration; where one was made for the replay, that of the recording. */
const keysNow = (
  { keys }: CassetteHeader,
  { loaded, sideKeys, made }: ReplayConfig,
): CassetteHeader['keys'] =>
  Object.fromEntries([
    ...Object.entries(fingerprintsOf(loaded, sideKeys)).filter(([setting]) => !made.has(setting)),
    ...Object.entries(keys).filter(([setting]) => made.has(setting)),
  ]);

const updatedHeader = (
  header: CassetteHeader,
  replayConfig: ReplayConfig,
  version: string,
): CassetteHeader => {
  const { loaded } = replayConfig;
  const { identity, cluster, instance } = loaded.config;
  const sha256 = configFingerprint(loaded);
  return {
    ...header,
    by: `mcbridge ${version}`,
    config: { ...(sha256 !== undefined && { sha256 }), routes: [...routesInWords(loaded.config)] },
    bridge: { identity, cluster, instance },
    keys: keysNow(header, replayConfig),
    rejections: true,
  };
};

/**
 * Feeds what came to a recorded bridge to one of this configuration, at the time of the recording and without a
 * network, and compares what it does with what was recorded.
 * @throws CassetteError that names file and line
 * @throws ConfigError where a file that the configuration names cannot be read
 * @throws the signal's reason where it is aborted
 */
export const replayCassette = async (
  file: string,
  configured: LoadedConfig,
  { bytes = false, update = false, throwAwayKeys = false, version, createApp, onFed, signal }: ReplayOptions,
): Promise<ReplayResult> => {
  const began = performance.now();
  const { header, entries } = await openCassette(file);
  const replayConfig = await replayConfigFor(configured, header, { file, throwAwayKeys });
  const { loaded, made, sideKeys } = replayConfig;
  let harness: Harness | undefined;
  let writer: CassetteWriter | undefined;
  try {
    harness = await openHarness(replayConfig, header, { version, createApp });
    writer = update ? new CassetteWriter(file, updatedHeader(header, replayConfig, version)) : undefined;
    const replyPaths = replyPathsOf(loaded.registry);
    const tally = new Tally(replyPaths, header.rejections === true);
    const watch = new KeyMismatchDetector(header, replayConfig);
    const flaws = signatureCheck(loaded.config, sideKeys);
    const further: ConstructorParameters<typeof Matcher>[0]['further'] = (recorded, replayed) => [
      ...flaws(recorded, replayed),
      ...(bytes ? byteChanges(recorded, replayed) : []),
    ];
    const run = new Run(harness, tally, watch, bundlesOf(loaded.config), replyPaths, { further }, writer);
    for await (const located of entries) {
      signal?.throwIfAborted();
      checkLink(file, located, loaded);
      await run.take(located);
      if (run.fed % MESSAGES_PER_SWEEP === 0) onFed?.(run.fed);
    }
    await run.end();
    const totals = tally.totals();
    const reason = totals.fed === 0 ? NOTHING : tally.differs ? watch.verdict() : undefined;
    const updates =
      writer !== undefined && (tally.differs || header.rejections !== true) && reason === undefined;
    if (updates) await writer?.close();
    else await writer?.discard();
    writer = undefined;
    return {
      file,
      outcome: reason !== undefined ? 'unusable' : tally.differs ? 'different' : 'same',
      ...(reason !== undefined && { reason }),
      ...totals,
      notes: [...totals.notes, ...(tally.differs ? watch.notes() : [])],
      madeKeys: [...made],
      updated: updates,
      seconds: (performance.now() - began) / 1000,
    };
  } finally {
    await entries.return();
    await writer?.discard();
    await harness?.close();
  }
};
