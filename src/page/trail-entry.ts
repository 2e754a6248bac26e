import type { AuditEvent } from '../audit/event.ts';
import type { AnswerResult } from '../envelope/audit.ts';
import type { Hop } from '../envelope/message.ts';
import { cut, MAX_SENTENCE_BYTES, own } from '../envelope/text.ts';
import type { RefusedReply, ShownMessage, TrailDetail, TrailLine } from './trail-line.ts';
import type { WireMessage } from './wires.ts';

/** Replies that one request remembers by their nodes, and refused ones. All are counted. */
const MAX_ANSWERS = 200;
const MAX_REFUSED = 20;
/** What an entry and a reply in it take in memory beside their text, about. */
const ENTRY_BYTES = 1024;
const ANSWER_BYTES = 96;

/** What an event says of its request, apart from the message that it was read from. */
interface Told {
  readonly asked: NonNullable<AuditEvent['asked']>;
  readonly more: Readonly<Record<string, unknown>>;
  readonly hops?: readonly (readonly string[])[];
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

const given = <T extends object>(all: T): { [K in keyof T]: Exclude<T[K], undefined> } =>
  JSON.parse(JSON.stringify(all));

/** A rule may give a reason of any length. */
const shortened = (more: AuditEvent['more']): AuditEvent['more'] => {
  const { reason } = more;
  return typeof reason === 'string' ? { ...more, reason: cut(reason, MAX_SENTENCE_BYTES) } : more;
};

/** One request of the trail, and what came of it. */
export class TrailEntry {
  readonly id: string;
  readonly #time: number;
  readonly #told: Told;
  readonly #replies: Record<AnswerResult, number> = { ok: 0, failed: 0, refused: 0, unread: 0 };
  readonly #answers: { node?: string; result: AnswerResult; after: number }[] = [];
  readonly #refused: RefusedReply[] = [];
  #further = 0;
  #came: WireMessage | undefined;
  #sent: WireMessage | undefined;
  #sentMessages = 0;
  #ended: { readonly code: string; readonly reason: string } | undefined;
  #took: number | undefined;
  #done = false;
  #bytes: number;

  /** @param hops as it goes on; undefined where nobody asked for a trail */
  constructor(id: string, { time, asked, more }: AuditEvent, hops: readonly Hop[] | undefined) {
    const text = JSON.stringify({ asked, more: shortened(more), hops });
    this.id = own(id);
    this.#time = time;
    this.#told = JSON.parse(text);
    this.#bytes = ENTRY_BYTES + 2 * text.length;
    this.#done = ['deny', 'refused'].includes(String(more['verdict']));
  }

  /** About. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Where it goes out; undefined where it has no route. */
  get egress(): string | undefined {
    return textOf(this.#told.more['egress']);
  }

  /** Further messages of the same request, for more nodes. */
  join({ more: { targets } }: AuditEvent): void {
    if (typeof targets === 'number') this.#further += targets;
  }

  /** @param now ms since the epoch */
  answer(node: string | undefined, result: AnswerResult, now: number): void {
    this.#replies[result]++;
    this.#took = Math.max(0, now - this.#time);
    if (this.#answers.length >= MAX_ANSWERS) return;
    const name = node === undefined ? {} : { node: own(cut(node)) };
    this.#answers.push({ ...name, result, after: this.#took });
    this.#bytes += ANSWER_BYTES + 2 * (name.node?.length ?? 0);
  }

  refuseReply({ node, code, sentence }: RefusedReply): void {
    if (this.#refused.length >= MAX_REFUSED) return;
    const why = own(cut(sentence, MAX_SENTENCE_BYTES));
    this.#refused.push({ ...(node !== undefined && { node: own(cut(node)) }), code, sentence: why });
    this.#bytes += ANSWER_BYTES + 2 * why.length;
  }

  /** The bytes that it came as. */
  came(message: WireMessage): void {
    if (this.#came !== undefined) return;
    this.#came = message;
    this.#bytes += message.body?.length ?? 0;
  }

  /** One of the messages that it went out as; the first is kept. */
  sent(message: () => WireMessage): void {
    this.#sentMessages++;
    if (this.#sent !== undefined) return;
    this.#sent = message();
    this.#bytes += this.#sent.body?.length ?? 0;
  }

  /** It has not gone out after all, or not to all. */
  unsent(code: string, sentence: string, isAll: boolean): void {
    this.#ended = { code, reason: own(cut(sentence, MAX_SENTENCE_BYTES)) };
    this.#bytes += 2 * this.#ended.reason.length;
    if (isAll) this.#done = true;
  }

  end(): void {
    this.#done = true;
  }

  line(): TrailLine {
    const { asked, more } = this.#told;
    const { targets } = more;
    return given({
      id: this.id,
      time: this.#time,
      caller: asked.caller,
      mapped: textOf(more['mapped_caller']),
      agent: asked.agent,
      action: asked.action,
      collective: textOf(more['collective']) ?? '',
      ingress: textOf(more['ingress']) ?? '',
      egress: textOf(more['egress']),
      verdict: this.#ended === undefined ? String(more['verdict']) : 'unsent',
      rule: textOf(more['rule']),
      reason: this.#ended?.reason ?? textOf(more['reason']),
      code: this.#ended?.code ?? textOf(more['code']),
      targets: typeof targets === 'number' ? targets + this.#further : String(targets),
      replies: this.#replies,
      took: this.#took,
      done: this.#done,
    });
  }

  /** @param show reads the bytes of a message */
  detail(show: (message: WireMessage) => ShownMessage): TrailDetail {
    const { asked, more, hops } = this.#told;
    const { nodes } = more;
    return given({
      line: this.line(),
      requestId: asked.requestId,
      requestTime: asked.requestTime,
      sender: asked.sender,
      data: asked.data,
      filter: more['filter'],
      nodes: Array.isArray(nodes) ? nodes : [],
      hops,
      answers: this.#answers,
      refused: this.#refused,
      came: this.#came && show(this.#came),
      sent: this.#sent && show(this.#sent),
      sentMessages: this.#sentMessages,
    });
  }
}
