import { cut, own, ownAll } from '../envelope/text.ts';

export type Fields = Readonly<Record<string, string | boolean | undefined>>;

/** Nodes that a line names of those whose replies did not come by this instance. */
const MAX_NAMED_NODES = 5;
/** What an entry and a name in it take beside their text, about; in bytes. */
const ENTRY_BYTES = 512;
const NAME_BYTES = 64;

export interface EntryOptions {
  /** Under what replies find it. */
  readonly key: string;
  /** Undefined where another instance took the request, and its replies do not say. */
  readonly flow: string | undefined;
  /** Where its replies go, by which further messages of it are known, and replies to an opaque one; undefined where neither comes. */
  readonly place: string | undefined;
  readonly isOpaque: boolean;
  readonly fields: Fields;
  /** Undefined for a broadcast, and for replies whose request another instance took. */
  readonly nodes: readonly string[] | undefined;
  /** Whether this instance took the request. */
  readonly isOwn: boolean;
  /** Ms since the epoch: when no more replies count. */
  readonly expires: number;
  readonly now: number;
}

/** What is remembered of one request until its line is written. */
export class Entry {
  readonly key: string;
  readonly flow: string | undefined;
  readonly place: string | undefined;
  readonly isOpaque: boolean;
  readonly fields: Fields;
  readonly isOwn: boolean;
  readonly expires: number;
  readonly started: number;
  /** When the last request or reply came, in ms since the epoch. */
  last: number;
  replies = 0;
  errors = 0;
  /** Messages that brought it: clients split a long list of nodes into groups of 200 with one request id. */
  messages = 1;
  /** The nodes that its first message named. */
  readonly #named: readonly string[] | undefined;
  /** Of all that were named, those that have not answered, and those that have: made when needed, for many requests are remembered. */
  #waiting: Set<string> | undefined;
  #heard: Set<string> | undefined;
  #nameless = 0;
  #bytes: number;

  constructor({ key, flow, place, isOpaque, fields, nodes, isOwn, expires, now }: EntryOptions) {
    this.key = own(key);
    this.flow = flow === key ? this.key : flow && own(flow);
    this.place = place && own(place);
    this.isOpaque = isOpaque;
    this.isOwn = isOwn;
    this.expires = expires;
    this.started = now;
    this.last = now;
    this.#bytes = ENTRY_BYTES + key.length + (place?.length ?? 0);
    const kept: Record<string, string | boolean | undefined> = {};
    for (const name in fields) {
      const value = fields[name];
      kept[name] = typeof value === 'string' ? own(value) : value;
      if (typeof value === 'string') this.#bytes += value.length;
    }
    this.fields = kept;
    this.#named = nodes && ownAll(nodes);
    this.#bytes += weightOf(nodes ?? []);
  }

  /** What it takes in memory, about. */
  get bytes(): number {
    return this.#bytes;
  }

  get isBroadcast(): boolean {
    return this.#named === undefined;
  }

  get hasAnswers(): boolean {
    return this.replies + this.errors > 0;
  }

  /** Whether every node that was named has answered; never so of a broadcast. */
  get isComplete(): boolean {
    const awaited = this.#awaited();
    return awaited !== undefined && this.#nameless >= awaited.size;
  }

  isWaitingFor(node: string | undefined): boolean {
    return node === undefined ? !this.isBroadcast : this.#awaited()?.has(node) === true;
  }

  /** Whether a message may be a further part of it: no node is named twice, for that would be asked twice. */
  mayTake(nodes: readonly string[]): boolean {
    const awaited = this.#awaited();
    return awaited !== undefined && !nodes.some((node) => awaited.has(node) || this.#heard?.has(node));
  }

  join(nodes: readonly string[], now: number): void {
    this.messages++;
    this.last = now;
    const awaited = this.#awaited();
    for (const node of ownAll(nodes)) awaited?.add(node);
    this.#bytes += weightOf(nodes);
  }

  /** These nodes were not asked after all. @returns whether anything is left of the request */
  leave(nodes: readonly string[]): boolean {
    const awaited = this.#awaited();
    const left = nodes.filter((node) => this.#heard?.delete(node) || awaited?.delete(node));
    this.#bytes -= weightOf(left);
    return --this.messages > 0;
  }

  /** @param node who answered, where the reply says so */
  answer(failed: boolean, node: string | undefined, now: number): void {
    if (failed) this.errors++;
    else this.replies++;
    this.last = now;
    if (node === undefined) this.#nameless++;
    // Names that were not asked are not kept: anybody may claim some.
    else if (this.#awaited()?.delete(node)) {
      this.#heard ??= new Set();
      this.#heard.add(own(node));
    }
  }

  /** The nodes that were named and whose replies have not come by this instance. */
  unheard(): readonly string[] {
    return [...(this.#awaited() ?? [])];
  }

  /** Those of them that are known: a reply without a name leaves its node unknown. */
  silent(): readonly string[] {
    return this.#nameless === 0 ? this.unheard() : [];
  }

  /** What its line says. */
  line(): Readonly<Record<string, unknown>> {
    const unheard = this.unheard();
    const count = Math.max(0, unheard.length - this.#nameless);
    return {
      ...this.fields,
      ...(this.isOwn ? { targets: this.#targets } : {}),
      ...(this.messages > 1 ? { messages: this.messages } : {}),
      replies: this.replies,
      ...(this.errors > 0 ? { errors: this.errors } : {}),
      ...(this.isBroadcast ? {} : { unheard: count }),
      ...(this.silent().length > 0 ? { unheard_nodes: named(unheard) } : {}),
      duration_ms: this.last - this.started,
    };
  }

  #awaited(): Set<string> | undefined {
    if (this.#named !== undefined) this.#waiting ??= new Set(this.#named);
    return this.#waiting;
  }

  get #targets(): number | 'broadcast' {
    const awaited = this.#awaited();
    return awaited === undefined ? 'broadcast' : awaited.size + (this.#heard?.size ?? 0);
  }
}

const weightOf = (nodes: readonly string[]): number => {
  let bytes = nodes.length * NAME_BYTES;
  for (const node of nodes) bytes += node.length;
  return bytes;
};

const named = (nodes: readonly string[]): readonly string[] => [
  ...nodes.slice(0, MAX_NAMED_NODES).map((node) => cut(node)),
  ...(nodes.length > MAX_NAMED_NODES ? [`and ${nodes.length - MAX_NAMED_NODES} more`] : []),
];
