import type { Home, Request } from '../envelope/message.ts';
import { isSealedRequest, type SealedReply, type SealedRequest } from '../envelope/sealed.ts';
import type { Log } from './log.ts';

export interface LedgerOptions {
  readonly log: Log;
  /** Ms since the epoch. */
  readonly clock: () => number;
  /** Requests that are remembered at once; the oldest makes room. */
  readonly capacity: number;
  /** Ms without a further reply after which a request of unknown number of replies is written up. */
  readonly quiet: number;
  /** Told how long after a request its last reply came, once no more are awaited; not of one without a reply. */
  readonly onDone?: (route: string, seconds: number) => void;
}

interface Entry {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly started: number;
  /** Replies that complete it; undefined for a broadcast, and for replies whose request another instance took. */
  expected: number | undefined;
  /** Messages that brought it: clients split a long list of nodes into groups of 200 with one request id. */
  groups: number;
  readonly expires: number;
  replies: number;
  errors: number;
  /** Named nodes that answered, where a reply says who it is of: one that answers twice is no second node. */
  readonly nodes: Set<string>;
  nameless: number;
  last: number;
}

/**
 * The memory behind the log's one line a request: who asked what of whom, how many answered, how long it took.
 * Nothing depends on it: a reply whose request it never saw (another instance took it, or it came before a
 * restart) gets a line of its own.
 */
export class Ledger {
  readonly #options: LedgerOptions;
  readonly #entries = new Map<string, Entry>();
  /** Requests of this instance that were written up, so that a late reply is not called another instance's. */
  readonly #written = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: LedgerOptions) {
    this.#options = options;
  }

  /** Requests that still wait for a reply of a node that was named. */
  get open(): number {
    let open = 0;
    for (const entry of this.#entries.values()) if (entry.expected !== undefined) open++;
    return open;
  }

  /**
   * Whether no more replies are to be expected: every named node has answered, and every broadcast has had replies
   * and then none for `quiet` ms. One without any may be of a slow agent.
   */
  isSettled(quiet: number): boolean {
    const now = this.#options.clock();
    for (const entry of this.#entries.values()) {
      const answered = entry.replies + entry.errors > 0;
      if (entry.expected !== undefined || !answered || now - entry.last < quiet) return false;
    }
    return true;
  }

  sent(request: Request, callerIn: string, route: string): void {
    const { target, payload } = request;
    const nodes = target.kind === 'directed' ? target.nodes.length : undefined;
    this.#note(request.id, nodes, request.home.expires * 1000, {
      caller_in: callerIn,
      caller_out: request.caller,
      sender: request.sender,
      collective: request.collective,
      agent: request.agent,
      action: payload.kind === 'rpc' ? payload.action : 'ping',
      route,
    });
  }

  /** A request that passes sealed. One that names no id leaves no line, for its replies could not be told apart. */
  passed({ home, targets, expires, sender, caller }: SealedRequest, route: string): void {
    const [first] = targets;
    if (home.requestId === '' || first === undefined) return;
    this.#note(home.requestId, first.kind === 'node' ? targets.length : undefined, expires, {
      ...(caller === undefined ? {} : { caller_in: caller }),
      sender,
      collective: first.collective,
      ...(first.kind === 'node' ? {} : { agent: first.agent }),
      route,
    });
  }

  /** @param node who answered, where the reply says so */
  replied({ requestId, collective, agent, expires }: Home, failed: boolean, node?: string): void {
    this.#answered(requestId, expires * 1000, { collective, agent }, failed, node);
  }

  passedBack({ home, expires, sender }: SealedReply): void {
    if (home.requestId !== '') this.#answered(home.requestId, expires, {}, false, sender || undefined);
  }

  /** The request did not go out after all; its rejection is logged instead. */
  forget(request: Request | SealedRequest): void {
    const [id, nodes] = isSealedRequest(request)
      ? [request.home.requestId, request.targets.length]
      : [request.id, request.target.kind === 'directed' ? request.target.nodes.length : 0];
    const entry = this.#entries.get(id);
    if (entry === undefined || --entry.groups <= 0 || entry.expected === undefined) {
      this.#entries.delete(id);
      return;
    }
    entry.expected -= nodes;
    this.#closeWhenComplete(id, entry);
  }

  /** Writes up all that is still open. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    for (const [id, entry] of this.#entries) this.#close(id, entry);
  }

  #note(id: string, nodes: number | undefined, expires: number, fields: Entry['fields']): void {
    const twin = this.#entries.get(id);
    if (nodes !== undefined && twin?.expected !== undefined) {
      twin.expected += nodes;
      twin.groups++;
      twin.last = this.#options.clock();
      return;
    }
    this.#add(id, { fields: { request_id: id, ...fields }, expected: nodes, groups: 1, expires });
  }

  #answered(id: string, expires: number, about: Entry['fields'], failed: boolean, node?: string): void {
    const entry =
      this.#entries.get(id) ??
      this.#add(id, {
        fields: {
          request_id: id,
          ...about,
          ...(this.#written.has(id) ? { late: true } : { taken_by: 'another instance' }),
        },
        expected: undefined,
        groups: 0,
        expires,
      });
    if (failed) entry.errors++;
    else entry.replies++;
    if (node === undefined) entry.nameless++;
    // Of a broadcast nobody asks who, and names that anybody may claim are not to fill memory.
    else if (entry.expected !== undefined) entry.nodes.add(node);
    entry.last = this.#options.clock();
    this.#closeWhenComplete(id, entry);
  }

  #add(id: string, about: Pick<Entry, 'fields' | 'expected' | 'groups' | 'expires'>): Entry {
    const now = this.#options.clock();
    const entry = {
      ...about,
      started: now,
      replies: 0,
      errors: 0,
      nodes: new Set<string>(),
      nameless: 0,
      last: now,
    };
    const twin = this.#entries.get(id);
    if (twin !== undefined) this.#close(id, twin);
    this.#entries.set(id, entry);
    if (this.#entries.size > this.#options.capacity) {
      const oldest = this.#entries.entries().next().value;
      if (oldest !== undefined) this.#close(...oldest);
    }
    this.#timer ??= setInterval(() => this.#sweep(), 500).unref();
    return entry;
  }

  #sweep(): void {
    const now = this.#options.clock();
    for (const [id, entry] of this.#entries) {
      const answered = entry.replies + entry.errors > 0;
      const quiet = entry.expected === undefined && answered && now - entry.last >= this.#options.quiet;
      if (quiet || now >= entry.expires) this.#close(id, entry);
    }
    if (this.#entries.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
  }

  #remember(id: string): void {
    this.#written.add(id);
    if (this.#written.size <= this.#options.capacity) return;
    for (const oldest of this.#written) {
      this.#written.delete(oldest);
      return;
    }
  }

  #closeWhenComplete(id: string, entry: Entry): void {
    if (entry.expected !== undefined && heard(entry) >= entry.expected) this.#close(id, entry);
  }

  #close(id: string, entry: Entry): void {
    this.#entries.delete(id);
    // Not one that another instance took: its further replies are that one's still.
    if (entry.groups > 0) this.#remember(id);
    const { replies, errors, expected, groups, started, last } = entry;
    this.#options.log.info(
      {
        ...entry.fields,
        ...(groups === 0 ? {} : { targets: expected ?? 'broadcast' }),
        replies,
        ...(errors > 0 ? { errors } : {}),
        ...(expected === undefined ? {} : { missing: Math.max(0, expected - heard(entry)) }),
        duration_ms: last - started,
      },
      groups === 0 ? 'replies' : 'request',
    );
    const { route } = entry.fields;
    if (typeof route === 'string' && replies > 0) this.#options.onDone?.(route, (last - started) / 1000);
  }
}

/** How many of the nodes asked have answered. */
const heard = ({ nodes, nameless }: Entry): number => nodes.size + nameless;
