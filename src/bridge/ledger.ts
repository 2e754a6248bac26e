import { createHash } from 'node:crypto';
import type { Home, Request } from '../envelope/message.ts';
import { oncePerHome } from '../envelope/once-per-home.ts';
import {
  isSealedRequest,
  type SealedHome,
  type SealedReply,
  type SealedRequest,
} from '../envelope/sealed.ts';
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

/** Sealed requests that are open under one id and one reply subject; the oldest makes room. */
const MOST_ALIKE = 16;
/** Requests of other instances whose replies are counted at once: whoever may reply can make some up. */
const MOST_FOREIGN = 1_000;

/**
 * The memory behind the log's one line a request: who asked what of whom, how many answered, how long it took.
 * Nothing depends on it: a reply whose request it never saw (another instance took it, or it came before a
 * restart) gets a line of its own.
 *
 * What a sender chooses makes no two requests one: each has the bridge's own flow id, by which its replies find it. Those to
 * a sealed request bear none; they find it by their way home, and among those that share one by the node that is awaited.
 */
export class Ledger {
  readonly #options: LedgerOptions;
  /** In the order in which they were opened, as the next. */
  readonly #entries = new Set<Entry>();
  /** Those of them whose request another instance took. */
  readonly #foreign = new Set<Entry>();
  /** By what their replies find them by. */
  readonly #alike = new Map<string, Entry[]>();
  /** Those that were addressed to nodes, of which further messages may come; the last where several are the same. */
  readonly #asked = new Map<string, Entry>();
  /** The flows of requests of this instance that were written up, so that a late reply is not called another instance's. */
  readonly #written = new Map<string, string | undefined>();
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

  /**
   * The flow of the open request that a message is a further part of: clients split a long list of nodes into groups with one
   * request id. It is the same of the same verified caller in all that the request's line says, and names no node twice.
   */
  continued(request: Request | SealedRequest): string | undefined {
    const nodes = nodesOf(request);
    const entry = nodes && this.#asked.get(askedOf(request));
    return entry?.mayTake(nodes ?? []) === true ? entry.flow : undefined;
  }

  /** @param taken as it came, before its caller was mapped */
  sent(taken: Request, callerOut: string, route: string): Note {
    const { id, caller, payload, home } = taken;
    return this.#note(keyOf(home), taken, home.expires * 1000, {
      flow: home.flow,
      request_id: cut(id),
      caller_in: caller,
      caller_out: callerOut,
      sender: cut(taken.sender),
      collective: taken.collective,
      agent: taken.agent,
      action: payload.kind === 'rpc' ? cut(payload.action) : 'ping',
      route,
    });
  }

  /**
   * A request that passes sealed.
   * @returns undefined for one that names no id and leaves no line, for its replies could not be told apart
   */
  passed(request: SealedRequest, route: string): Note | undefined {
    const { home, targets, expires, sender, caller } = request;
    const [first] = targets;
    if (home.requestId === '' || first === undefined) return undefined;
    return this.#note(sealedKeyOf(home), request, expires, {
      flow: home.flow,
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
    const { flow, requestId, collective, agent, expires } = home;
    const about = (): Fields => ({ flow, request_id: cut(requestId), collective, agent });
    this.#answered(home.flow ?? this.#keyOfReply(home), expires * 1000, about, failed, node);
  }

  /** A reply to a sealed request, with the flow of that where this instance has taken it. */
  recognised(reply: SealedReply): SealedReply {
    const { home, sender } = reply;
    if (home.requestId === '') return reply;
    const key = sealedKeyOf(home);
    const flow = this.#awaiting(key, sender || undefined)?.flow ?? this.#written.get(key);
    return flow === undefined ? reply : { ...reply, home: { ...home, flow } };
  }

  passedBack({ home, expires, sender }: SealedReply): void {
    if (home.requestId === '') return;
    const about = (): Fields => ({ flow: home.flow, request_id: cut(home.requestId) });
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

  #note(key: string, request: Request | SealedRequest, expires: number, fields: Fields): Note {
    const now = this.#options.clock();
    const nodes = nodesOf(request);
    const { flow } = request.home;
    const twin = nodes && this.#alike.get(key)?.find((one) => one.flow === flow && one.mayTake(nodes));
    if (twin === undefined || nodes === undefined) {
      const asked = nodes && askedOf(request);
      const entry = this.#add({ key, flow, asked, fields, nodes, isOwn: true, expires, now });
      if (asked !== undefined) this.#asked.set(asked, entry);
      return { entry, nodes: nodes ?? [] };
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
    const entry = this.#add({
      key,
      flow: undefined,
      asked: undefined,
      fields,
      nodes: undefined,
      isOwn: false,
      expires,
      now,
    });
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

  #remember({ key, flow }: Entry): void {
    this.#written.set(key, flow);
    if (this.#written.size <= this.#options.capacity) return;
    for (const oldest of this.#written.keys()) {
      this.#written.delete(oldest);
      return;
    }
  }

  #drop(entry: Entry): void {
    this.#entries.delete(entry);
    this.#foreign.delete(entry);
    const { asked } = entry;
    if (asked !== undefined && this.#asked.get(asked) === entry) this.#asked.delete(asked);
    this.#bytes -= entry.bytes;
    const others = this.#alike.get(entry.key)?.filter((one) => one !== entry) ?? [];
    if (others.length === 0) this.#alike.delete(entry.key);
    else this.#alike.set(entry.key, others);
  }

  #close(entry: Entry): void {
    this.#drop(entry);
    // Not one that another instance took: its further replies are that one's still.
    if (entry.isOwn) this.#remember(entry);
    const { route } = entry.fields;
    this.#options.onDone({
      fields: () => entry.line(),
      route: entry.isOwn && typeof route === 'string' ? route : undefined,
      replies: entry.replies,
      duration: entry.last - entry.started,
    });
  }
}

/** The nodes that are named; undefined where all are asked. */
const nodesOf = (request: Request | SealedRequest): readonly string[] | undefined => {
  if (!isSealedRequest(request)) return request.target.kind === 'directed' ? request.target.nodes : undefined;
  if (request.targets[0]?.kind !== 'node') return undefined;
  return request.targets.flatMap((target) => (target.kind === 'node' ? [target.node] : []));
};

/** Who asks what of whom, but for the nodes. */
const askedOf = (request: Request | SealedRequest): string => {
  const { home, sender, caller } = request;
  const { ingress, replyTo, requestId } = home;
  const what = isSealedRequest(request)
    ? [request.targets[0]?.collective]
    : [
        request.collective,
        request.agent,
        ...(request.payload.kind === 'rpc' ? [request.payload.action] : []),
      ];
  return short(JSON.stringify([ingress, replyTo, requestId, sender, caller ?? null, ...what]));
};

/** What the replies of the version before bring home of their request. */
const keyOf = ({ flow, ingress, replyTo, requestId, collective, agent, action = '' }: Home): string =>
  flow ?? short(JSON.stringify([ingress, replyTo, requestId, collective, agent, action]));

/** Replies to what passes sealed say no more than this. */
const sealedKeyOf = ({ ingress, replyTo, requestId }: SealedHome): string =>
  short(JSON.stringify([ingress, replyTo, requestId]));

/** Keys are kept by the thousand, and a sealed request's id is of any length. */
const short = (key: string): string =>
  key.length <= LONGEST_TEXT ? key : createHash('sha256').update(key).digest('base64');
