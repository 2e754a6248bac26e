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
import { Homes } from './homes.ts';
import { Item } from './item.ts';
import { KeyWatch } from './key-watch.ts';
import { Pairs } from './pairs.ts';
import type { ReplayResult } from './result.ts';
import { signatureCheck } from './signature-check.ts';
import { type Outcome, openStage, type Stage, type StageOptions, subscriptionsFollow } from './stage.ts';
import { type Surroundings, surroundingsFor } from './surroundings.ts';
import { Tally } from './tally.ts';
import { type Ways, waysOf } from './ways.ts';

export interface ReplayOptions extends StageOptions {
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
const SWEEP = 64;

const entryOf = (outcome: Outcome, at: number): CassetteEntry =>
  outcome.kind === 'sent' ? outcome.message : { at, rejected: outcome.rejected };

/** A message or refusal, and where it stands. */
interface Bundled extends LocatedEntry {
  readonly entry: CassetteEntry;
}

/** One run of a cassette through the bridge. */
class Run {
  readonly #stage: Stage;
  readonly #pairs: Pairs;
  readonly #tally: Tally;
  readonly #watch: KeyWatch;
  readonly #ways: Ways;
  readonly #homes: Homes;
  readonly #bundles: Bundles;
  readonly #writer: CassetteWriter | undefined;
  #bundle: Bundled[] = [];
  #turn = 0;
  /** Since subscriptions were last waited for. */
  #learned = true;

  constructor(
    stage: Stage,
    tally: Tally,
    watch: KeyWatch,
    bundles: Bundles,
    ways: Ways,
    pairs: Pick<ConstructorParameters<typeof Pairs>[0], 'further'>,
    writer?: CassetteWriter,
  ) {
    this.#stage = stage;
    this.#tally = tally;
    this.#watch = watch;
    this.#bundles = bundles;
    this.#ways = ways;
    this.#homes = new Homes(ways);
    this.#writer = writer;
    this.#pairs = new Pairs({
      ...pairs,
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
      this.#pairs.recorded(new Item(entry, { line, turn: this.#turn, ways: this.#ways }));
      return;
    }
    const first = this.#bundle[0]?.entry;
    if (first !== undefined && (isRejected(first) || !this.#bundles.isOne(first, entry))) await this.#feed();
    this.#bundle.push({ entry, line });
    if (!this.#bundles.mayBePart(entry)) await this.#feed();
  }

  async end(): Promise<void> {
    await this.#feed();
    this.#pairs.end();
  }

  async #moved(line: CassetteNodes): Promise<void> {
    await this.#feed();
    this.#writer?.write(line);
    this.#stage.moved(line);
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
    if (mayWait || this.#stage.isBusy()) await this.#stage.settled(mayWait);
    for (const outcome of this.#stage.take()) {
      const entry = entryOf(outcome, last.entry.at);
      this.#writer?.write(entry);
      if (outcome.kind === 'sent') this.#tally.sent();
      else this.#tally.refused(outcome.rejected.code);
      const note = outcome.kind === 'rejected' ? outcome.message : undefined;
      const item = new Item(entry, { line: last.line, turn: this.#turn, ways: this.#ways }, note);
      if (outcome.kind === 'rejected')
        this.#watch.cause(item, last.entry, (reply) => this.#homes.isAnswer(reply));
      this.#pairs.replayed(item);
    }
    if (this.#writer !== undefined) await this.#writer.drained();
    if (this.#turn % SWEEP === 0) this.#pairs.sweep(this.#turn);
  }

  async #feedOne(entry: CassetteMessage, line: number): Promise<void> {
    const message = entry.side === 'egress' ? this.#wayHome(entry) : entry;
    this.#writer?.write(message);
    this.#tally.fed();
    this.#watch.came(message);
    const heard = this.#stage.feed(message);
    if (entry.side === 'egress') this.#learned ||= heard;
    if (heard) return;
    if (this.#learned && entry.side === 'ingress') {
      this.#learned = false;
      await subscriptionsFollow();
      if (this.#stage.feed(message)) return;
    }
    this.#tally.unheard(message, line);
  }

  /** A reply's request has gone out before, as whatever the replay has made of it. */
  #wayHome(message: CassetteMessage): CassetteMessage {
    const waits = this.#pairs.isRequestWaiting;
    if (!waits && !this.#homes.any) return message;
    const way = this.#ways.of(message);
    if (way === undefined) return message;
    if (waits && !this.#homes.knows(way))
      this.#pairs.decideRequest(({ entry }) => !isRejected(entry) && this.#ways.of(entry) === way);
    return this.#homes.redirected(message);
  }
}

/** The keys of this configuration; where one was made for the replay, that of the recording. */
const keysNow = (
  { keys }: CassetteHeader,
  { loaded, sideKeys, made }: Surroundings,
): CassetteHeader['keys'] =>
  Object.fromEntries([
    ...Object.entries(fingerprintsOf(loaded, sideKeys)).filter(([setting]) => !made.has(setting)),
    ...Object.entries(keys).filter(([setting]) => made.has(setting)),
  ]);

const updatedHeader = (
  header: CassetteHeader,
  surroundings: Surroundings,
  version: string,
): CassetteHeader => {
  const { loaded } = surroundings;
  const { identity, cluster, instance } = loaded.config;
  const sha256 = configFingerprint(loaded);
  return {
    ...header,
    by: `mcbridge ${version}`,
    config: { ...(sha256 !== undefined && { sha256 }), routes: [...routesInWords(loaded.config)] },
    bridge: { identity, cluster, instance },
    keys: keysNow(header, surroundings),
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
  const surroundings = await surroundingsFor(configured, header, { file, throwAwayKeys });
  const { loaded, made, sideKeys } = surroundings;
  let stage: Stage | undefined;
  let writer: CassetteWriter | undefined;
  try {
    stage = await openStage(surroundings, header, { version, createApp });
    writer = update ? new CassetteWriter(file, updatedHeader(header, surroundings, version)) : undefined;
    const ways = waysOf(loaded.registry);
    const tally = new Tally(ways, header.rejections === true);
    const watch = new KeyWatch(header, surroundings);
    const flaws = signatureCheck(loaded.config, sideKeys);
    const further: ConstructorParameters<typeof Pairs>[0]['further'] = (recorded, replayed) => [
      ...flaws(recorded, replayed),
      ...(bytes ? byteChanges(recorded, replayed) : []),
    ];
    const run = new Run(stage, tally, watch, bundlesOf(loaded.config), ways, { further }, writer);
    for await (const located of entries) {
      signal?.throwIfAborted();
      checkLink(file, located, loaded);
      await run.take(located);
      if (run.fed % SWEEP === 0) onFed?.(run.fed);
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
    await stage?.close();
  }
};
