import type { Answer, AnswerResult } from '../envelope/audit.ts';
import type { RouteId } from '../envelope/observer.ts';
import { cut, own, ownAll } from '../envelope/text.ts';
import { isoTime } from '../envelope/time.ts';

/** A request that went out, as far as its replies need it. */
export interface AskedOf {
  /** By what its replies find it. */
  readonly key: string;
  readonly flow: string | undefined;
  readonly requestId: string;
  readonly route: RouteId | undefined;
  /** Ms since the epoch. */
  readonly expires: number;
  /** Undefined for a broadcast, and for what another instance took. */
  readonly nodes: readonly string[] | undefined;
  /** Whether this instance let it pass. */
  readonly isOwn: boolean;
}

/** What an entry and a name in it take in memory beside their text, about. */
const ENTRY_BYTES = 800;
const NAME_BYTES = 64;

/** The replies to one request that came by this instance. */
export class ReplyEntry {
  readonly key: string;
  readonly route: RouteId | undefined;
  readonly expires: number;
  readonly #flow: string | undefined;
  readonly #requestId: string;
  readonly #isOwn: boolean;
  readonly #results: Record<AnswerResult, number> = { ok: 0, failed: 0, refused: 0, unread: 0 };
  /** Those of which nothing has come, where any were named. */
  #awaited: Set<string> | undefined;
  #targets = 0;
  readonly #heard: string[] = [];
  readonly #failed: string[] = [];
  #first: number | undefined;
  #last: number | undefined;
  #bytes = ENTRY_BYTES;

  constructor({ key, flow, requestId, route, expires, nodes, isOwn }: AskedOf) {
    this.key = own(key);
    this.route = route;
    this.expires = expires;
    this.#flow = flow && own(flow);
    this.#requestId = own(cut(requestId));
    this.#isOwn = isOwn;
    if (nodes !== undefined) this.await(nodes);
  }

  /** About. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether all that were named have answered. */
  get isComplete(): boolean {
    return this.#awaited?.size === 0;
  }

  get isUnanswered(): boolean {
    return this.#first === undefined;
  }

  /** Clients split a long list of nodes into messages of one request. */
  await(nodes: readonly string[]): void {
    this.#awaited ??= new Set();
    for (const node of ownAll(nodes)) {
      this.#awaited.add(node);
      this.#bytes += NAME_BYTES + node.length;
    }
    this.#targets += nodes.length;
  }

  /** @param most names that are kept of each list */
  answer({ node, result }: Answer, now: number, most: number): void {
    this.#results[result]++;
    this.#first ??= now;
    this.#last = now;
    if (node === undefined) return;
    this.#awaited?.delete(node);
    const list = result === 'failed' || result === 'refused' ? this.#failed : this.#heard;
    if (list.length >= most) return;
    list.push(own(cut(node)));
    this.#bytes += NAME_BYTES + node.length;
  }

  /**
   * What its record says.
   * @param isAlone whether no other instance may have carried replies: then it is known who has not answered
   * @param isEarly whether its ttl has not ended: there was no room to wait
   */
  summary(most: number, isAlone: boolean, isEarly: boolean): Readonly<Record<string, unknown>> {
    const { ok, failed, refused, unread } = this.#results;
    const missing = isAlone && this.#isOwn && !isEarly ? [...(this.#awaited ?? [])] : undefined;
    return {
      request_id: this.#requestId,
      flow: this.#flow,
      route: this.route?.name,
      ...(this.#isOwn ? {} : { taken_by: 'another instance' }),
      ...(this.#awaited === undefined ? {} : { targets: this.#targets }),
      ok,
      failed,
      refused,
      ...(unread > 0 && { unread }),
      first: isoOf(this.#first),
      last: isoOf(this.#last),
      nodes: this.#heard,
      ...(this.#failed.length > 0 && { failed_nodes: this.#failed }),
      ...(missing !== undefined && missing.length > 0
        ? { missing: missing.length, missing_nodes: missing.slice(0, most) }
        : {}),
      ...(isEarly && { early: true }),
    };
  }
}

const isoOf = (ms: number | undefined): string | undefined => (ms === undefined ? undefined : isoTime(ms));
