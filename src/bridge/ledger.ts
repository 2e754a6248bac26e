import { createHash } from 'node:crypto';
import {
  isOpaque,
  namedNodes,
  type OpaqueReply,
  type ReplyAddress,
  type Request,
  readdressed,
} from '../envelope/message.ts';
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

/** Opaque requests that are open under one id and one reply subject; the oldest makes room. */
const MOST_ALIKE = 16;
/** Requests of other instances whose replies are counted at once: whoever may reply can make some up. */
const MOST_FOREIGN = 1_000;

/**
 * The memory behind the log's one line a request: who asked what of whom, how many answered, how long it took.
 * Nothing depends on it: a reply whose request it never saw (another instance took it, or it came before a
 * restart) gets a line of its own.
 *
 * What a sender chooses makes no two requests one: each has the bridge's own flow id, by which its replies find it. Those to
 * an opaque request bear none; they find it by their way home, and among those that share one by the node that is awaited.
 */
export class Ledger {
  readonly #options: LedgerOptions;
  /** In the order in which they were opened, as the next. */
  readonly #entries = new Set<Entry>();
  /** Those of them whose request another instance took. */
  readonly #foreign = new Set<Entry>();
  /** By their flows; those of instances of the version before, whose replies name none, by where the replies go. */
  readonly #entriesOf = new Map<string, Entry>();
  /** The opaque ones by where their replies go. */
  readonly #alike = new Map<string, Entry[]>();
  /** Those that were addressed to nodes, of which further messages may come; the last where several are the same. */
  readonly #asked = new Map<string, Entry>();
  /** Requests of this instance that were written up, by what their replies find them by, and their flows: a late reply is no other instance's. */
  readonly #written = new Map<string, string | undefined>();
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
  continued(request: Request): string | undefined {
    const nodes = namedNodes(request.targets);
    const entry = nodes && this.#asked.get(askedOf(request));
    return entry?.mayTake(nodes ?? []) === true ? entry.flow : undefined;
  }

  /**
   * @param taken as it came, before its caller was mapped
   * @param callerOut in whose name it goes out; undefined where it passes as it is
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
    const key = addressOf(home);
    const flow = this.#awaiting(key, sender)?.flow ?? this.#written.get(key);
    return flow === undefined ? reply : readdressed(reply, { flow });
  }

  /** @param node who answered, where the reply says so */
  replied(home: ReplyAddress, failed: boolean, node?: string): void {
    const { flow, requestId, collective, agent } = home;
    if (flow === undefined && requestId === '') return;
    const now = this.#options.clock();
    const key = keyOf(home);
    const about = (): Fields => ({ flow, request_id: cut(requestId), collective, agent });
    const entry = this.#entriesOf.get(key) ?? this.#addForeign(key, home.expires, about(), now);
    entry.answer(failed, node, now);
    if (entry.isComplete) this.#close(entry);
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

  #note(request: Request, fields: Fields): Note {
    const now = this.#options.clock();
    const nodes = namedNodes(request.targets);
    const { home } = request;
    const key = keyOf(home);
    const known = this.#entriesOf.get(key);
    if (known === undefined || nodes === undefined || !known.mayTake(nodes)) {
      if (known !== undefined) this.#close(known);
      const asked = nodes && askedOf(request);
      const address = isOpaque(request) ? addressOf(home) : undefined;
      const { flow, expires } = home;
      const entry = this.#add({ key, flow, asked, address, fields, nodes, isOwn: true, expires, now });
      if (asked !== undefined) this.#asked.set(asked, entry);
      return { entry, nodes: nodes ?? [] };
    }
    const before = known.bytes;
    known.join(nodes, now);
    this.#bytes += known.bytes - before;
    this.#makeRoom();
    return { entry: known, nodes };
  }

  /** Of opaque ones with an address: the one that waits for the node; else the last one that went to all; else the last. */
  #awaiting(address: string, node: string): Entry | undefined {
    const alike = this.#alike.get(address);
    return (
      alike?.find((entry) => entry.isWaitingFor(node || undefined)) ??
      alike?.findLast((entry) => entry.isBroadcast) ??
      alike?.at(-1)
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
      address: undefined,
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
    const { key, address } = entry;
    this.#entriesOf.set(key, entry);
    if (address !== undefined) {
      const [oldest, ...others] = this.#alike.get(address) ?? [];
      if (oldest !== undefined && others.length + 1 >= MOST_ALIKE) this.#close(oldest);
      this.#alike.set(address, [...(this.#alike.get(address) ?? []), entry]);
    }
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

  #remember({ key, flow, address }: Entry): void {
    this.#written.set(key, flow);
    if (address !== undefined) this.#written.set(address, flow);
    for (const oldest of this.#written.keys()) {
      if (this.#written.size <= this.#options.capacity) return;
      this.#written.delete(oldest);
    }
  }

  #drop(entry: Entry): void {
    this.#entries.delete(entry);
    this.#foreign.delete(entry);
    const { asked } = entry;
    if (asked !== undefined && this.#asked.get(asked) === entry) this.#asked.delete(asked);
    this.#bytes -= entry.bytes;
    if (this.#entriesOf.get(entry.key) === entry) this.#entriesOf.delete(entry.key);
    const { address } = entry;
    if (address === undefined) return;
    const others = this.#alike.get(address)?.filter((one) => one !== entry) ?? [];
    if (others.length === 0) this.#alike.delete(address);
    else this.#alike.set(address, others);
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

const actionOf = (payload: Request['payload']): string | undefined => {
  if (payload.kind === 'opaque') return undefined;
  return payload.kind === 'rpc' ? cut(payload.action) : 'ping';
};

/** Who asks what of whom, but for the nodes. */
const askedOf = ({ home, sender, caller, collective, agent, payload }: Request): string =>
  short(
    JSON.stringify([addressOf(home), sender, caller ?? '', collective, agent ?? '', actionOf(payload) ?? '']),
  );

const keyOf = (home: ReplyAddress): string => home.flow ?? addressOf(home);

/** All that replies say of their request that bear no token, or one of the version before. */
const addressOf = ({ ingress, replyTo, requestId, collective = '', agent = '' }: ReplyAddress): string =>
  short(JSON.stringify([ingress, replyTo, requestId, collective, agent]));

/** Keys are kept by the thousand, and an opaque request's id is of any length. */
const short = (key: string): string =>
  key.length <= LONGEST_TEXT ? key : createHash('sha256').update(key).digest('base64');
