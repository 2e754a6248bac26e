import {
  isOpaque,
  namedNodes,
  type OpaqueReply,
  type ReplyAddress,
  type Request,
  readdressed,
} from '../envelope/message.ts';
import type { RequestSummary } from '../envelope/observer.ts';
import { cut } from '../envelope/text.ts';
import { Alike } from './alike.ts';
import { actionOf } from './asked.ts';
import { Entry, type EntryOptions, type Fields } from './entry.ts';
import { OldestFirst } from './oldest.ts';
import { addressOf, keyOf, placeOf } from './request-keys.ts';
import { Written } from './written.ts';

export interface RequestLogOptions {
  /** Ms since the epoch. */
  readonly clock: () => number;
  /** Requests that are remembered at once; the oldest makes room. */
  readonly capacity: number;
  /** Bytes, about, that they may take together. */
  readonly bytes: number;
  /** Ms without a further reply after which a request of unknown number of replies is written up. */
  readonly quiet: number;
  /** Called once for each request, when no more replies are awaited. */
  readonly onDone: (summary: RequestSummary) => void;
  /** Called with nodes that were named and have not answered when the ttl of their request ends. @param since ms since the epoch */
  readonly onUnanswered?: (route: string, nodes: readonly string[], since: number) => void;
}

/** A request that was noted, for one that did not go out after all. */
export interface Note {
  readonly entry: Entry;
  readonly nodes: readonly string[];
}

/** Requests of other instances whose replies are counted at once: a node that may reply can make some up. */
const MAX_FOREIGN = 1_000;

/**
 * The memory behind the log's one line a request: who asked what of whom, how many answered, how long it took.
 * Nothing depends on it: a reply whose request it never saw (another instance took it, or it came before a
 * restart) gets a line of its own.
 *
 * What a sender chooses makes no two requests one: each has the bridge's own flow id, by which its replies find it. Those to
 * an opaque request bear none; they find it by their reply address, and among those that share one by the node that is awaited.
 */
export class RequestLog {
  readonly #options: RequestLogOptions;
  /**
   * In the order in which they were opened: by their flows; those of instances of the version before, whose replies name none, by
   * where the replies go.
   */
  readonly #entries = new Map<string, Entry>();
  readonly #oldest = new OldestFirst(this.#entries);
  /** Those of them whose request another instance took. */
  readonly #foreign = new Set<Entry>();
  readonly #oldestForeign = new OldestFirst(this.#foreign);
  readonly #alike = new Alike();
  readonly #written: Written;
  #bytes = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: RequestLogOptions) {
    this.#options = options;
    this.#written = new Written(options.capacity);
  }

  /** Requests that still wait for a reply of a node that was named. */
  get open(): number {
    return [...this.waiting().values()].reduce((sum, count) => sum + count, 0);
  }

  /** The same, by the names of their routes. */
  waiting(): ReadonlyMap<string, number> {
    const waiting = new Map<string, number>();
    for (const { isBroadcast, fields } of this.#entries.values()) {
      const { route } = fields;
      if (!isBroadcast && typeof route === 'string') waiting.set(route, (waiting.get(route) ?? 0) + 1);
    }
    return waiting;
  }

  /**
   * Whether no more replies are to be expected: every named node has answered, and every broadcast has had replies
   * and then none for `quiet` ms. One without any may be of a slow agent.
   */
  isSettled(quiet: number): boolean {
    const now = this.#options.clock();
    for (const { isBroadcast, hasAnswers, last } of this.#entries.values())
      if (!isBroadcast || !hasAnswers || now - last < quiet) return false;
    return true;
  }

  /**
   * The flow of the open request that a message is a further part of: clients split a long list of nodes into groups with one
   * request id. It is the same of the same verified caller in all that the request's line says, and names no node twice.
   */
  continued(request: Request): string | undefined {
    const nodes = namedNodes(request.targets);
    return nodes && this.#alike.continued(placeOf(request), request, nodes)?.flow;
  }

  /**
   * @param taken as it came, before its caller was mapped
   * @param callerOut in whose name it goes out; undefined where it passes unchanged
   * @returns undefined for one that leaves no line: it is opaque and names no id, so that its replies could not be told apart
   */
  sent(taken: Request, callerOut: string | undefined, route: string): Note | undefined {
    const { id, home, payload } = taken;
    if (payload.kind === 'opaque' && id === '') return undefined;
    return this.#note(taken, {
      flow: home.flow,
      request_id: cut(id),
      caller_in: taken.caller,
      caller_out: callerOut,
      sender: cut(taken.sender),
      collective: cut(taken.collective),
      agent: taken.agent && cut(taken.agent),
      action: actionOf(payload),
      route,
    });
  }

  /** A reply to an opaque request, with the flow of that where this instance has taken it. */
  recognised(reply: OpaqueReply): OpaqueReply {
    const { home, sender } = reply;
    if (home.requestId === '') return reply;
    const place = addressOf(home);
    const flow = this.#alike.awaiting(place, sender)?.flow ?? this.#written.flowOf(place);
    return flow === undefined ? reply : readdressed(reply, { flow });
  }

  /** @param node who answered, where the reply says so */
  replied(home: ReplyAddress, failed: boolean, node?: string): void {
    const { flow, requestId, collective, agent } = home;
    if (flow === undefined && requestId === '') return;
    const now = this.#options.clock();
    const key = keyOf(home);
    const about = (): Fields => ({ flow, request_id: cut(requestId), collective, agent });
    const entry = this.#entries.get(key) ?? this.#addForeign(home, about(), now);
    entry.answer(failed, node, now);
    if (entry.isComplete) this.#close(entry);
  }

  /** The request did not go out after all; its rejection is logged instead. */
  forget({ entry, nodes }: Note): void {
    if (this.#entries.get(entry.key) !== entry) return;
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
    for (const entry of this.#entries.values()) this.#close(entry);
  }

  #note(request: Request, fields: Fields): Note {
    const now = this.#options.clock();
    const nodes = namedNodes(request.targets);
    const { home } = request;
    const key = keyOf(home);
    const known = this.#entries.get(key);
    if (known === undefined || nodes === undefined || !known.mayTake(nodes)) {
      if (known !== undefined) this.#close(known);
      const isPlaced = nodes !== undefined || isOpaque(request);
      const { flow, expires } = home;
      const entry = this.#add({
        key,
        flow,
        place: isPlaced ? placeOf(request) : undefined,
        isOpaque: isOpaque(request),
        fields,
        nodes,
        isOwn: true,
        expires,
        now,
      });
      return { entry, nodes: nodes ?? [] };
    }
    const before = known.bytes;
    known.join(nodes, now);
    this.#bytes += known.bytes - before;
    this.#makeRoom();
    return { entry: known, nodes };
  }

  #addForeign(home: ReplyAddress, about: Fields, now: number): Entry {
    if (this.#foreign.size >= MAX_FOREIGN) this.#closeIf(this.#oldestForeign.next());
    const key = keyOf(home);
    const isLate = this.#written.has(key) || this.#written.has(addressOf(home));
    const whose: Fields = isLate ? { late: true } : { taken_by: 'another instance' };
    const fields = { ...about, ...whose };
    const entry = this.#add({
      key,
      flow: undefined,
      place: undefined,
      isOpaque: false,
      fields,
      nodes: undefined,
      isOwn: false,
      expires: home.expires,
      now,
    });
    this.#foreign.add(entry);
    return entry;
  }

  #add(about: EntryOptions): Entry {
    const entry = new Entry(about);
    this.#entries.set(entry.key, entry);
    if (entry.place !== undefined) this.#addAlike(entry.place, entry);
    this.#bytes += entry.bytes;
    this.#makeRoom();
    this.#timer ??= setInterval(() => this.#sweep(), 500).unref();
    return entry;
  }

  #addAlike(place: string, entry: Entry): void {
    this.#closeIf(this.#alike.surplus(place));
    this.#alike.add(place, entry);
  }

  /** The newest stays, however large: it is what a message brought, and that is bounded. */
  #makeRoom(): void {
    const { capacity, bytes } = this.#options;
    while (this.#entries.size > 1 && (this.#entries.size > capacity || this.#bytes > bytes))
      this.#closeIf(this.#entries.get(this.#oldest.next() ?? ''));
  }

  #closeIf(entry: Entry | undefined): void {
    if (entry !== undefined) this.#close(entry);
  }

  #sweep(): void {
    const now = this.#options.clock();
    for (const entry of this.#entries.values()) {
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

  #drop(entry: Entry): void {
    if (this.#entries.get(entry.key) === entry) this.#entries.delete(entry.key);
    this.#foreign.delete(entry);
    this.#bytes -= entry.bytes;
    if (entry.place !== undefined) this.#alike.remove(entry.place, entry);
  }

  #close(entry: Entry): void {
    this.#drop(entry);
    // Not one that another instance took: its further replies are that one's still.
    if (entry.isOwn) this.#written.add(entry);
    const { route } = entry.fields;
    this.#options.onDone({
      fields: () => entry.line(),
      route: entry.isOwn && typeof route === 'string' ? route : undefined,
      replies: entry.replies,
      duration: entry.last - entry.started,
    });
  }
}
