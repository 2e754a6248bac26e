import type { RejectionContext } from '../envelope/rejection.ts';
import { cut } from '../envelope/text.ts';
import type { Log } from './log.ts';

/** What is known of a message at a step of its way. */
export interface StepFields extends RejectionContext {
  /** `<ingress> → <egress>`. */
  readonly route?: string;
  readonly targets?: number;
  readonly callerOut?: string;
}

/** Each step of a message's way, one line at log level debug. While that is off, it costs nothing. */
export class Steps {
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  /** @param fields called where the line is written only */
  tell(what: string, fields: () => StepFields): void {
    if (this.#log.isLevelEnabled?.('debug') !== true) return;
    const { requestId, sender, caller, callerOut, agent, collective, route, targets } = fields();
    const texts = { request_id: requestId, sender, caller, caller_out: callerOut, agent, collective, route };
    const known = Object.entries(texts).flatMap(([name, text]) =>
      text === undefined ? [] : [[name, cut(text)]],
    );
    this.#log.debug({ ...Object.fromEntries(known), ...(targets === undefined ? {} : { targets }) }, what);
  }
}
