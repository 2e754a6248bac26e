import type { Filter } from '../../../envelope/filter.ts';
import type { ReadableReply } from '../../../envelope/message.ts';
import { asRejection, Rejection } from '../../../envelope/rejection.ts';
import type { ByteBudget } from '../../kit/byte-budget.ts';
import { inGroups } from '../../kit/in-groups.ts';
import { refusedCall } from '../wire/errors.ts';
import { filterOf } from '../wire/filter.ts';
import type { CallParams, End, ExplainParams } from '../wire/messages.ts';
import { fields, writeNotification } from '../wire/write.ts';
import { type Asker, ask, foresee, idOf, type Sent, type Waiting } from './ask.ts';
import { discover } from './discovery.ts';
import type { Environment } from './environment.ts';
import { Outbox } from './outbox.ts';
import { Tally } from './tally.ts';

/** How long a client has to take what came before its call was over, in ms. */
const LINGER_MS = 60_000;

export interface CallSession extends Asker {
  readonly budget: ByteBudget;
  say(text: Buffer | string): void;
}

/** What `rpc.call` is answered with. */
export interface Started {
  readonly id: string;
  readonly nodes: readonly string[] | undefined;
}

/** @throws CallError `too_many_targets` */
const checkTargets = (nodes: readonly string[] | undefined, { around }: Environment): void => {
  const { maxTargets } = around;
  if (nodes !== undefined && nodes.length > maxTargets)
    throw refusedCall(
      new Rejection('too_many_targets', `it is for ${nodes.length} nodes, and at most ${maxTargets} pass`),
    );
};

/** What would become of a call; nothing is sent. @throws CallError, Rejection with which the call would be refused */
export const explain = (asker: Asker, params: ExplainParams): void => {
  const { collective, agent, action, data = new Map(), targets } = params;
  const filter = filterOf(params.filter);
  checkTargets(targets, asker.env);
  const payload = { kind: 'rpc', action, data } as const;
  const ttl = asker.env.around.maxTtl;
  const refused = foresee(asker, { collective, agent, nodes: targets, filter, ttl, payload });
  if (refused !== undefined) throw refusedCall(refused);
};

/** One `rpc.call`: whom it asks, what comes back, and when it is over. */
export class Call implements Waiting {
  readonly #session: CallSession;
  readonly #params: CallParams;
  readonly #filter: Filter;
  readonly #outbox: Outbox;
  readonly #onOver: (call: Call) => void;
  readonly #started: number;
  readonly #tally = new Tally();
  #id = '';
  /** Those that are still to be asked. */
  #batches: (readonly string[])[] = [];
  #sent: Sent | undefined;
  #isAsking = false;
  /** Nodes of this batch that have not answered; undefined for a broadcast. */
  #awaited: Set<string> | undefined;
  #unheard: string[] | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;

  /** @throws Rejection `unsupported_filter` */
  constructor(session: CallSession, params: CallParams, onOver: (call: Call) => void) {
    this.#session = session;
    this.#params = params;
    this.#filter = filterOf(params.filter);
    this.#onOver = onOver;
    this.#started = session.env.services.clock();
    this.#outbox = new Outbox({
      credit: params.credit,
      budget: session.budget,
      say: (text) => session.say(text),
      gap: (missed) => writeNotification('rpc.gap', { id: this.#id, missed }),
    });
  }

  get id(): string {
    return this.#id;
  }

  /** @throws CallError where it is refused as a whole */
  async start(): Promise<Started> {
    const nodes = await this.#nodes();
    this.#unheard = nodes && [];
    if (nodes?.length === 0) {
      const number = this.#session.await(this);
      this.#session.forget(number);
      this.#id = idOf(this.#session.id, number);
      this.#finish('complete');
      return { id: this.#id, nodes };
    }
    this.#batches = nodes === undefined ? [] : inGroups(nodes, this.#params.batch ?? nodes.length);
    const refused = await this.#ask(this.#batches.shift());
    if (refused !== undefined) {
      this.dropped();
      throw refusedCall(refused, true);
    }
    return { id: this.#id, nodes };
  }

  /** Its client knows of it. */
  open(): void {
    this.#outbox.open();
  }

  credit(n: number): void {
    this.#outbox.give(n);
  }

  cancel(): void {
    this.#finish('cancelled');
  }

  heard(reply: ReadableReply): void {
    // Why a request is refused as it is taken comes by another way.
    if (reply.refusal === true) {
      if (!this.#isAsking) this.#finish('refused', statusOf(reply));
      return;
    }
    if (reply.payload.kind !== 'rpc') throw new Rejection('unsupported_body', 'it is no reply of an agent');
    const { statusCode, statusMessage, data } = reply.payload;
    const seq = this.#tally.add(reply.sender, statusCode);
    this.#awaited?.delete(reply.sender);
    const about = { id: this.#id, seq, sender: reply.sender };
    try {
      this.#outbox.put(() =>
        writeNotification('rpc.reply', { ...about, statuscode: statusCode, statusmsg: statusMessage, data }),
      );
    } finally {
      if (this.#awaited?.size === 0 && !this.#isAsking) void this.#next('complete');
    }
  }

  dropped(): void {
    this.#isOver = true;
    this.#leave();
    this.#outbox.discard();
  }

  async #nodes(): Promise<readonly string[] | undefined> {
    const { targets, discover: timeout, collective, limit } = this.#params;
    const filter = this.#filter;
    const nodes =
      timeout === undefined ? targets : await discover(this.#session, { collective, filter, timeout, limit });
    checkTargets(nodes, this.#session.env);
    return nodes;
  }

  /** @param nodes undefined: all whom the filter matches @throws Rejection `expired` where the session is over */
  async #ask(nodes: readonly string[] | undefined): Promise<Rejection | undefined> {
    const { collective, agent, action, data = new Map(), ttl } = this.#params;
    this.#awaited = nodes && new Set(nodes);
    const question = { collective, agent, nodes, filter: this.#filter, ttl };
    this.#isAsking = true;
    const sent = ask(this.#session, this, { ...question, payload: { kind: 'rpc', action, data } });
    this.#sent = sent;
    this.#id ||= sent.id;
    const refused = await sent.done;
    this.#isAsking = false;
    if (refused !== undefined || this.#isOver) return refused;
    const left = sent.expires - this.#session.env.services.clock();
    this.#timer = setTimeout(() => void this.#next('ttl'), Math.max(0, left)).unref();
    // Some may have been as quick as that.
    if (this.#awaited?.size === 0) void this.#next('complete');
    return undefined;
  }

  /** Goes on with the next batch, or ends. */
  async #next(end: End): Promise<void> {
    if (this.#isOver) return;
    this.#leave();
    const batch = this.#batches.shift();
    if (batch === undefined) {
      this.#finish(end);
      return;
    }
    const refused = await this.#ask(batch).catch(asRejection);
    if (refused !== undefined) this.#finish('refused', `${refused.message} (${refused.code})`);
  }

  /** Waits no more for what was asked last. */
  #leave(): void {
    clearTimeout(this.#timer);
    if (this.#sent !== undefined) this.#session.forget(this.#sent.number);
    this.#sent = undefined;
    if (this.#awaited !== undefined) this.#unheard?.push(...this.#awaited);
    this.#awaited = undefined;
  }

  #finish(end: End, error?: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#leave();
    const lasted = this.#session.env.services.clock() - this.#started;
    this.#timer = setTimeout(() => this.#outbox.abandon(), LINGER_MS).unref();
    this.#outbox.end(() => {
      clearTimeout(this.#timer);
      const stats = fields({
        ...this.#tally.counts,
        missed: this.#outbox.missed,
        duration_ms: Math.max(0, Math.round(lasted)),
      });
      this.#session.say(
        writeNotification('rpc.done', { id: this.#id, end, stats, unheard: this.#unheard, error }),
      );
      this.#onOver(this);
    });
  }
}

const statusOf = ({ payload }: ReadableReply): string =>
  payload.kind === 'rpc' ? payload.statusMessage : 'it was refused';
