import { createHash } from 'node:crypto';
import type { Home, Request } from '../envelope/message.ts';
import { oncePerHome } from '../envelope/once-per-home.ts';
import type { SealedHome, SealedReply, SealedRequest } from '../envelope/sealed.ts';
import { cut, LONGEST_TEXT } from '../envelope/text.ts';
import { Entry, type EntryOptions, type Fields } from './entry.ts';
import type { RequestSummary } from './observer.ts';

export interface LedgerOptions {
  /** Ms since the epoch. */
  readonly clock: () => number;
  /** Requests that are remembered at once; the oldest makes room. */
  readonly capacity: number;
  /** Bytes, about, that they may take together. */
  readonly bytes: number;
  /** Ms without a further reply after which a request of unknown number of replies is written up. */
  readonly quiet: number;
  /** Told of each request once, when no more replies are awaited. */
  readonly onDone: (summary: RequestSummary) => void;
  /** Told of nodes that were named and have not answered when the ttl of their request ends. @param since ms since the epoch */
  readonly onUnanswered?: (route: string, nodes: readonly string[], since: number) => void;
}

/** A request that was noted, for one that did not go out after all. */
export interface Note {
  readonly entry: Entry;
  readonly nodes: readonly string[];
}

/** Requests that one client has open under one id, one agent and one reply subject; the oldest makes room. */
const MOST_ALIKE = 16;
/** Requests of other instances whose replies are counted at once: whoever may reply can make some up. */
const MOST_FOREIGN = 1_000;

/**
 * The memory behind the log's one line a request: who asked what of whom, how many answered, how long it took.
 * Nothing depends on it: a reply whose request it never saw (another instance took it, or it came before a
 * restart) gets a line of its own.
 *
 * What a sender chooses tells no two requests apart: only what is the same in all that its line says is one request.
 * Replies find it by their way home, and among those that share one by the node that is awaited.
 */
export class Ledger {
  readonly #options: LedgerOptions;
  /** In the order in which they were opened, as the next. */
  readonly #entries = new Set<Entry>();
  /** Those of them whose request another instance took. */
  readonly #foreign = new Set<Entry>();
  readonly #alike = new Map<string, Entry[]>();
  /** Requests of this instance that were written up, so that a late reply is not called another instance's. */
  readonly #written = new Set<string>();
  readonly #keyOfReply = oncePerHome(keyOf);
  #bytes = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: LedgerOptions) {
    this.#options = options;
  }

  /** Requests that still wait for a reply of a node that was named. */
  get open(): number {
    let open = 0;
    for (const entry of this.#entries) if (!entry.isBroadcast) open++;
    return open;
  }

  /**
   * Whether no more replies are to be expected: every named node has answered, and every broadcast has had replies
   * and then none for `quiet` ms. One without any may be of a slow agent.
   */
  isSettled(quiet: number): boolean {
    const now = this.#options.clock();
    for (const { isBroadcast, hasAnswers, last } of this.#entries)
      if (!isBroadcast || !hasAnswers || now - last < quiet) return false;
    return true;
  }

  sent(request: Request, callerIn: string, route: string): Note {
    const { id, target, payload, home } = request;
    return this.#note(
      keyOf(home),
      target.kind === 'directed' ? target.nodes : undefined,
      home.expires * 1000,
      {
        request_id: cut(id),
        caller_in: callerIn,
        caller_out: request.caller,
        sender: cut(request.sender),
        collective: request.collective,
        agent: request.agent,
        action: payload.kind === 'rpc' ? cut(payload.action) : 'ping',
        route,
      },
    );
  }

  /**
   * A request that passes sealed.
   * @returns undefined for one that names no id and leaves no line, for its replies could not be told apart
   */
  passed({ home, targets, expires, sender, caller }: SealedRequest, route: string): Note | undefined {
    const [first] = targets;
    if (home.requestId === '' || first === undefined) return undefined;
    const nodes: string[] = [];
    for (const target of targets) if (target.kind === 'node') nodes.push(target.node);
    return this.#note(sealedKeyOf(home), first.kind === 'node' ? nodes : undefined, expires, {
      request_id: cut(home.requestId),
      caller_in: caller,
      sender: cut(sender),
      collective: cut(first.collective),
      agent: first.kind === 'node' ? undefined : cut(first.agent),
      route,
    });
  }

  /** @param node who answered, where the reply says so */
  replied(home: Home, failed: boolean, node?: string): void {
    const { requestId, collective, agent, expires } = home;
    const about = (): Fields => ({ request_id: cut(requestId), collective, agent });
    this.#answered(this.#keyOfReply(home), expires * 1000, about, failed, node);
  }

  passedBack({ home, expires, sender }: SealedReply): void {
    if (home.requestId === '') return;
    const about = (): Fields => ({ request_id: cut(home.requestId) });
    this.#answered(sealedKeyOf(home), expires, about, false, sender || undefined);
  }

  /** The request did not go out after all; its rejection is logged instead. */
  forget({ entry, nodes }: Note): void {
    if (!this.#entries.has(entry)) return;
    const before = entry.bytes;
    const isLeft = entry.leave(nodes);
    this.#bytes += entry.bytes - before;
    if (!isLeft) this.#drop(entry);
    else if (entry.isComplete) this.#close(entry);
  }

  /** Writes up all that is still open. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    for (const entry of this.#entries) this.#close(entry);
  }

  #note(key: string, nodes: readonly string[] | undefined, expires: number, fields: Fields): Note {
    const now = this.#options.clock();
    const twin = this.#alike.get(key)?.find((entry) => entry.isOwn && entry.isAlike(fields, nodes));
    if (twin === undefined || nodes === undefined) {
      // Who asks all once more awaits no more replies to what he asked before.
      if (twin !== undefined) this.#close(twin);
      return { entry: this.#add({ key, fields, nodes, isOwn: true, expires, now }), nodes: nodes ?? [] };
    }
    const before = twin.bytes;
    twin.join(nodes, now);
    this.#bytes += twin.bytes - before;
    this.#makeRoom();
    return { entry: twin, nodes };
  }

  /** @param about called for the first reply to a request of another instance only */
  #answered(key: string, expires: number, about: () => Fields, failed: boolean, node?: string): void {
    const now = this.#options.clock();
    const entry = this.#awaiting(key, node) ?? this.#addForeign(key, expires, about(), now);
    entry.answer(failed, node, now);
    if (entry.isComplete) this.#close(entry);
  }

  /** The one that waits for the node; else the last one that went to all; else whichever there is. */
  #awaiting(key: string, node: string | undefined): Entry | undefined {
    const alike = this.#alike.get(key);
    if (alike === undefined || alike.length === 1) return alike?.[0];
    return (
      alike.find((entry) => entry.isWaitingFor(node)) ??
      alike.findLast((entry) => entry.isBroadcast) ??
      alike.at(-1)
    );
  }

  #addForeign(key: string, expires: number, about: Fields, now: number): Entry {
    const [oldest] = this.#foreign;
    if (oldest !== undefined && this.#foreign.size >= MOST_FOREIGN) this.#close(oldest);
    const whose: Fields = this.#written.has(key) ? { late: true } : { taken_by: 'another instance' };
    const fields = { ...about, ...whose };
    const entry = this.#add({ key, fields, nodes: undefined, isOwn: false, expires, now });
    this.#foreign.add(entry);
    return entry;
  }

  #add(about: EntryOptions): Entry {
    const entry = new Entry(about);
    const alike = this.#alike.get(entry.key) ?? [];
    if (alike.length >= MOST_ALIKE && alike[0] !== undefined) this.#close(alike[0]);
    this.#alike.set(entry.key, [...(this.#alike.get(entry.key) ?? []), entry]);
    this.#entries.add(entry);
    this.#bytes += entry.bytes;
    this.#makeRoom();
    this.#timer ??= setInterval(() => this.#sweep(), 500).unref();
    return entry;
  }

  /** The newest stays, however large: it is what a message brought, and that is bounded. */
  #makeRoom(): void {
    const { capacity, bytes } = this.#options;
    for (const oldest of this.#entries) {
      if (this.#entries.size <= 1 || (this.#entries.size <= capacity && this.#bytes <= bytes)) return;
      this.#close(oldest);
    }
  }

  #sweep(): void {
    const now = this.#options.clock();
    for (const entry of this.#entries) {
      const isQuiet = entry.isBroadcast && entry.hasAnswers && now - entry.last >= this.#options.quiet;
      const isOver = now >= entry.expires;
      if (isQuiet || isOver) this.#close(entry);
      const { route } = entry.fields;
      if (isOver && entry.isOwn && typeof route === 'string')
        this.#options.onUnanswered?.(route, entry.silent(), entry.started);
    }
    if (this.#entries.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
  }

  #remember(key: string): void {
    this.#written.add(key);
    if (this.#written.size <= this.#options.capacity) return;
    for (const oldest of this.#written) {
      this.#written.delete(oldest);
      return;
    }
  }

  #drop(entry: Entry): void {
    this.#entries.delete(entry);
    this.#foreign.delete(entry);
    this.#bytes -= entry.bytes;
    const others = this.#alike.get(entry.key)?.filter((one) => one !== entry) ?? [];
    if (others.length === 0) this.#alike.delete(entry.key);
    else this.#alike.set(entry.key, others);
  }

  #close(entry: Entry): void {
    this.#drop(entry);
    // Not one that another instance took: its further replies are that one's still.
    if (entry.isOwn) this.#remember(entry.key);
    const { route } = entry.fields;
    this.#options.onDone({
      fields: () => entry.line(),
      route: entry.isOwn && typeof route === 'string' ? route : undefined,
      replies: entry.replies,
      duration: entry.last - entry.started,
    });
  }
}

/** All that is known of a request by what its replies bring home. */
const keyOf = ({ ingress, replyTo, requestId, collective, agent, action = '' }: Home): string =>
  short(JSON.stringify([ingress, replyTo, requestId, collective, agent, action]));

/** Replies to what passes sealed say no more than this. */
const sealedKeyOf = ({ ingress, replyTo, requestId }: SealedHome): string =>
  short(JSON.stringify([ingress, replyTo, requestId]));

/** Keys are kept by the thousand, and a sealed request's id is of any length. */
const short = (key: string): string =>
  key.length <= LONGEST_TEXT ? key : createHash('sha256').update(key).digest('base64');
