import type { Decided } from '../envelope/decision.ts';
import type { Log, LogFields } from '../envelope/log.ts';
import type { LogEvent } from '../envelope/log-events.ts';
import {
  type About,
  type BridgeObserver,
  type Claimed,
  type EgressSilence,
  type LeftAlone,
  type NodesSilence,
  type Refusal,
  type RequestSummary,
  type RouteId,
  refusalText,
  type Step,
} from '../envelope/observer.ts';
import type { RejectionCode } from '../envelope/rejection.ts';
import { cut } from '../envelope/text.ts';
import { aboutRequest } from './about.ts';
import { isDenial } from './denied.ts';
import { LineLimit } from './line-limit.ts';
import { silenceText } from './silence-text.ts';

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

/** How often a line reports answers that there was no room for, in ms. Senders can cause thousands of them. */
const ANSWERS_WINDOW_MS = 10_000;

/**
 * Writes what the bridge does into the log: one line a request, one a refusal (many of one kind are counted instead), and
 * each step at level debug. `event` names in every line what happened, for programs; the words are
 * for people, and may change.
 */
export class LogObserver implements BridgeObserver {
  readonly #log: Log;
  readonly #lines: LineLimit;
  readonly #answers: LineLimit;

  constructor(options: LogObserverOptions) {
    this.#log = options.log;
    this.#lines = new LineLimit(options);
    this.#answers = new LineLimit({ ...options, most: 1, window: ANSWERS_WINDOW_MS });
  }

  step(step: Step, routeId: RouteId | undefined, about: () => About): void {
    if (this.#log.isLevelEnabled?.('debug') !== true) return;
    const { flow, requestId, sender, caller, callerOut, agent, collective, targets, link } = about();
    const route = routeId?.name;
    const texts = {
      flow,
      request_id: requestId,
      sender,
      caller,
      caller_out: callerOut,
      agent,
      collective,
      route,
      link,
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

  /** What is refused has a line of its own. */
  decided({ request, routeId, decision: { shadow } }: Decided): void {
    if (shadow === undefined) return;
    const { flow, requestId, sender, caller, agent, collective } = aboutRequest(request);
    const { code, rule, reason } = shadow;
    const about = { flow, request_id: requestId, sender, caller, agent, collective };
    this.#lines.tell(
      'policy_shadow',
      'info',
      { event: 'policy_shadow', reason: code, rule, route: routeId.name, ...about },
      `would be refused, were it not for shadow mode${reason === undefined ? '' : `: ${reason}`}`,
    );
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
    const { flow, requestId, sender, caller, agent, collective, rule } = context;
    const isReply = stage === 'reply';
    const fields: LogFields = {
      event: isReply ? 'reply_not_sent' : 'rejected',
      reason: code,
      flow,
      request_id: requestId,
      sender,
      ...(isReply ? {} : { caller, agent, collective }),
      ...(rule !== undefined && { rule }),
      ...(code === 'internal' ? { err: cause } : {}),
    };
    const lines = isAnswer && code === 'overloaded' ? this.#answers : this.#lines;
    const isOrdinary = ORDINARY.has(code) || (isDenial(refusal) && agent === 'discovery');
    const level = isOrdinary && !isReply ? 'info' : 'warn';
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
      const sentence = `a ${what} was not handled: it is unknown whether another instance handles it: ${reason}`;
      this.#lines.tell(why, 'warn', { event: 'claims_unknown', reason, ...about }, sentence);
      return;
    }
    const fields: LogFields = { event: 'left_alone', reason: why, ...about };
    this.#log.debug(fields, `a ${what} was left to others`);
  }

  egressSilent(silence: EgressSilence): void {
    const { egress, requests, since, causes, unread, known } = silence;
    const fields: LogFields = {
      event: 'egress_silent',
      link: egress,
      requests,
      since: new Date(since).toISOString(),
      known_nodes: known,
      causes: causes.map(({ cause }) => cause),
      ...(unread !== undefined && { unread: unread.count, reason: unread.code }),
    };
    this.#log.warn(fields, silenceText(silence));
  }

  nodesSilent({ route, silent, nodes, requests }: NodesSilence): void {
    const names = nodes.map((node) => cut(node));
    const what = silent === 1 ? '1 node' : `${silent} nodes`;
    this.#log.warn(
      { event: 'nodes_silent', route, silent, nodes: names },
      `of ${what} this instance has had no reply to the last ${requests} requests or more, while it has of others; look into the logs of other instances, which may have carried them, and of ${names[0]}`,
    );
  }
}
