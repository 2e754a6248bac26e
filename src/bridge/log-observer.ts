import type { Log, LogFields } from '../envelope/log.ts';
import type { LogEvent } from '../envelope/log-events.ts';
import {
  type About,
  type BridgeObserver,
  type Claimed,
  type EgressSilence,
  type LeftAlone,
  type NodesSilence,
  type Passage,
  type Refusal,
  type RequestSummary,
  refusalText,
  type Step,
} from '../envelope/observer.ts';
import type { RejectionCode } from '../envelope/rejection.ts';
import { cut } from '../envelope/text.ts';
import { LineLimit } from './line-limit.ts';

export interface LogObserverOptions {
  readonly log: Log;
  /** Ms since the epoch. */
  readonly clock: () => number;
}

const EVENTS: Readonly<Record<Step, LogEvent>> = {
  'request decoded': 'request_decoded',
  'request verified': 'request_verified',
  'request signed': 'request_signed',
  'request received': 'request_received',
  'request routed': 'request_routed',
  'request mapped': 'request_mapped',
  'request decided': 'request_decided',
  'request recorded': 'request_recorded',
  'request sent': 'request_sent',
  'reply received': 'reply_received',
  'reply sent': 'reply_sent',
  'error sent': 'error_sent',
  'reply lost': 'reply_lost',
};

/** What says nothing about the sender being up to anything. */
const ORDINARY: ReadonlySet<RejectionCode> = new Set(['expired', 'token_expired', 'draining']);

/** How often a line tells of answers that there was no room for, in ms. Others bring those about, by the thousand. */
const QUIET = 10_000;

/**
 * Writes what the bridge does into the log: one line a request, one a refusal (many of one kind are counted instead), and
 * each step at level debug. `event` says in every line what it tells of, for whoever reads it by program; the words are
 * for people, and may change.
 */
export class LogObserver implements BridgeObserver {
  readonly #log: Log;
  readonly #lines: LineLimit;
  readonly #answers: LineLimit;

  constructor(options: LogObserverOptions) {
    this.#log = options.log;
    this.#lines = new LineLimit(options);
    this.#answers = new LineLimit({ ...options, most: 1, window: QUIET });
  }

  step(step: Step, passage: Passage | undefined, about: () => About): void {
    if (this.#log.isLevelEnabled?.('debug') !== true) return;
    const { flow, requestId, sender, caller, callerOut, agent, collective, targets } = about();
    const route = passage?.name;
    const texts = {
      flow,
      request_id: requestId,
      sender,
      caller,
      caller_out: callerOut,
      agent,
      collective,
      route,
    };
    const known = Object.entries(texts).flatMap(([name, text]) =>
      text === undefined ? [] : [[name, cut(text)]],
    );
    const fields: LogFields = { event: EVENTS[step], ...Object.fromEntries(known) };
    this.#log.debug(targets === undefined ? fields : { ...fields, targets }, step);
  }

  handled(): void {
    // How long it took is counted, and the line of a request says how long its replies took.
  }

  requestDone({ fields, route }: RequestSummary): void {
    if (route !== undefined) {
      if (this.#log.isLevelEnabled?.('info') !== false)
        this.#log.info({ event: 'request', ...fields() }, 'request');
    } else this.#lines.tell('replies', 'info', { event: 'replies', ...fields() }, 'replies');
  }

  refused(refusal: Refusal): void {
    const { code, stage, context, cause, byLink, isAnswer } = refusal;
    if (byLink) return;
    const { flow, requestId, sender, caller, agent, collective } = context;
    const isReply = stage === 'reply';
    const fields: LogFields = {
      event: isReply ? 'reply_not_sent' : 'rejected',
      reason: code,
      flow,
      request_id: requestId,
      sender,
      ...(isReply ? {} : { caller, agent, collective }),
      ...(code === 'internal' ? { err: cause } : {}),
    };
    const lines = isAnswer && code === 'overloaded' ? this.#answers : this.#lines;
    const level = ORDINARY.has(code) && !isReply ? 'info' : 'warn';
    // Of each stage, so that what anybody may send hides nothing of what was signed.
    lines.tell(`${stage} ${code}`, level, fields, refusalText(refusal));
  }

  claimed({ key, result, context: { flow, requestId, sender } }: Claimed): void {
    this.#log.debug(
      { event: 'claimed', claim: key, result, flow, request_id: requestId, sender },
      `claim ${result}`,
    );
  }

  leftAlone({ what, why, context, claim, reason }: LeftAlone): void {
    const { flow, requestId, sender, agent, collective } = context;
    const about = { flow, request_id: requestId, sender, agent, collective, claim };
    if (why === 'claims_unknown') {
      const sentence = `a ${what} was not handled, for nobody can tell whether another instance does: ${reason}`;
      this.#lines.tell(why, 'warn', { event: 'claims_unknown', reason, ...about }, sentence);
      return;
    }
    const fields: LogFields = { event: 'left_alone', reason: why, ...about };
    this.#log.debug(fields, `a ${what} was left to others`);
  }

  egressSilent({ egress, requests, wait, hint }: EgressSilence): void {
    const why = hint === undefined ? '' : `: ${hint}`;
    this.#log.warn(
      { event: 'egress_silent', link: egress, requests },
      `nothing has come back from ${egress} for ${Math.round(wait / 1000)} s${why}`,
    );
  }

  nodesSilent({ route, silent, nodes, requests }: NodesSilence): void {
    const names = nodes.map((node) => cut(node));
    const what = silent === 1 ? '1 node has' : `${silent} nodes have`;
    this.#log.warn(
      { event: 'nodes_silent', route, silent, nodes: names },
      `${what} not answered the last ${requests} requests or more, while others answer; look into the logs of ${names[0]}`,
    );
  }
}
