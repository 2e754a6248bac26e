import { type Heard, type Member, Others } from './others.ts';
import { heaviest, weightOf } from './rendezvous.ts';
import { Standing } from './standing.ts';
import type { Statement } from './statement.ts';
import { type Moment, timingOf } from './timing.ts';

export interface MembersOptions {
  readonly instance: string;
  /** Tells processes apart, whatever they call themselves: random, new with each start. */
  readonly process: string;
  /** Ms between statements. */
  readonly interval: number;
  /** Ms that a request may be old. */
  readonly keep: number;
}

/**
 * Who takes part in a cluster, as one process knows it. Holds no clock and no connection: each call says when it is.
 * Why no request is taken twice is in `timing.ts`.
 */
export class Members {
  readonly #options: MembersOptions;
  readonly #standing: Standing;
  readonly #others: Others;
  /** It has handed its share over for as long as it does not hear all. */
  #isAway = false;
  /** Ms of the steady clock; undefined while it hears all. */
  #deafSince: number | undefined;
  #hasLeft = false;

  constructor(options: MembersOptions, now: Moment) {
    this.#options = options;
    this.#standing = new Standing(options.process, options.interval, now);
    this.#others = new Others(options.keep);
  }

  /** The statement that is now sent. */
  state(now: Moment): Statement {
    return this.#standing.state(now);
  }

  /** @param statement proven to be of the cluster */
  hear(instance: string, statement: Statement, now: Moment): Heard {
    if (statement.process === this.#options.process) {
      this.#standing.hear(statement.sequence, now);
      return 'own';
    }
    const heard = this.#others.hear(instance, statement, now);
    if (heard !== 'stale') this.#standing.widen(statement.interval, now);
    return heard;
  }

  /** A subscription was lost and made anew: what others said in between is not to be heard. */
  gap(now: Moment): void {
    this.#others.gap(now);
  }

  /** Drops those who have been silent for too long. @returns those */
  drop(now: Moment): readonly Member[] {
    this.#standing.check(now);
    const { confirmed } = this.#standing;
    return confirmed === undefined ? [] : this.#others.drop(confirmed);
  }

  /** When `state` should be called again, in ms of the steady clock. */
  due(now: Moment): number {
    const own = this.#standing.due(now);
    const { lastSent } = this.#standing;
    return lastSent === undefined ? own : Math.min(own, this.#others.due(lastSent, now));
  }

  /** @param time the request's own, in seconds since the epoch */
  isMine(requestId: string, time: number, now: Moment): boolean {
    const ms = time * 1000;
    if (!this.#standing.takes(ms, now)) return false;
    const mine = weightOf(this.#options.process, requestId);
    for (const other of this.#others.at(ms)) if (weightOf(other, requestId) > mine) return false;
    return true;
  }

  /** The process whose the request is, as far as this one knows; undefined where it is nobody's. */
  owner(requestId: string, time: number): string | undefined {
    const ms = time * 1000;
    const own = this.#standing.counts(ms) ? [this.#options.process] : [];
    return heaviest([...own, ...this.#others.at(ms)], requestId);
  }

  /**
   * Takes no requests that are sent from a moment on, which is on a whole second as the times of requests are.
   * @returns that moment, in ms since the epoch
   */
  leave(now: Moment): number {
    this.#hasLeft = true;
    return this.#handOver(now);
  }

  /**
   * What is shared reaches this process wholly or in part: a broker that sends it copies may be away. Its share of what it
   * does not hear would be lost, so it hands all of it over while another one hears all; where none does, it keeps it.
   * It says so at once and acts on it after a while: a broker that has gone from all of them is missed by each before it
   * knows that the others miss it too.
   * @returns whether there is something new to state
   */
  hears(all: boolean, now: Moment): boolean {
    if (this.#hasLeft) return false;
    this.#deafSince = all ? undefined : (this.#deafSince ?? now.steady);
    const { spare } = timingOf(this.#options.interval);
    const isSure = this.#deafSince !== undefined && now.steady - this.#deafSince >= spare;
    const isAway = isSure && this.#others.present(now).some((other) => canTakeOver(other, now));
    const isNews = isAway !== this.#isAway || all !== this.#standing.hearsAll;
    this.#standing.hearsAll = all;
    if (isAway && !this.#isAway) this.#handOver(now);
    if (!isAway && this.#isAway) this.#standing.resume(now);
    this.#isAway = isAway;
    return isNews;
  }

  /** Whether it has handed its share over for now, see `hears`. */
  get isAway(): boolean {
    return this.#isAway;
  }

  /** What it has said others go by: a moment that it has named already stays. */
  #handOver(now: Moment): number {
    const { spare } = timingOf(this.#options.interval);
    const until = this.#standing.until ?? Math.ceil((now.epoch + Math.min(spare, 1000)) / 1000) * 1000;
    this.#standing.leave(until);
    return until;
  }

  /** Whether this process takes requests that are sent now. */
  takesPart(now: Moment): boolean {
    return this.#standing.takesPart(now);
  }

  others(now: Moment): readonly Member[] {
    return this.#others.present(now);
  }

  /** This process among the others; `lastHeard` is when it sent what last came back. */
  self(): Member {
    const { process, instance } = this.#options;
    const { since, until, hearsAll, confirmed } = this.#standing;
    return { process, instance, since, until, hearsAll, lastHeard: confirmed?.epoch ?? 0 };
  }
}

const canTakeOver = ({ hearsAll, since, until }: Member, now: Moment): boolean =>
  hearsAll && since <= now.epoch && until === undefined;
