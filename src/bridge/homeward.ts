import type { Ingress } from '../adapter/port.ts';
import type { Reply } from '../envelope/message.ts';
import { asRejection, Rejection } from '../envelope/rejection.ts';
import { isSealedReply, type SealedReply } from '../envelope/sealed.ts';
import type { Log } from './log.ts';
import type { Stats } from './stats.ts';
import { type Trail, withReplyHop } from './trail.ts';

export interface HomewardOptions {
  /** By their names. */
  readonly ingresses: ReadonlyMap<string, Ingress>;
  /** Together the bridge's name in hop trails, `<cluster>:<instance>`. */
  readonly cluster: string;
  readonly instance: string;
  readonly log: Log;
  readonly stats: Stats;
}

/** A reply's last step: out by the ingress that its request came in by. */
export class Homeward {
  readonly #options: HomewardOptions;

  constructor(options: HomewardOptions) {
    this.#options = options;
  }

  /** @returns whether it was sent; else it is counted and logged why not */
  send(reply: Reply | SealedReply): boolean {
    const { ingresses, log, stats } = this.#options;
    const ingress = ingresses.get(reply.home.ingress);
    const context = { requestId: reply.home.requestId, sender: reply.sender };
    try {
      if (ingress === undefined)
        throw new Rejection(
          'invalid_reply_to',
          `the reply belongs to the ingress ${reply.home.ingress}, which this instance does not have`,
        );
      if (isSealedReply(reply)) ingress.reply({ ...reply, home: this.#withHop(reply.home, ingress) });
      else ingress.reply({ ...reply, home: this.#withHop(reply.home, ingress) });
      return true;
    } catch (error) {
      // What cannot be sent home cannot be answered either.
      const rejection = asRejection(error, context);
      stats.reject(rejection.code, 'reply');
      log.warn(
        { reason: rejection.code, request_id: context.requestId, sender: context.sender },
        `reply not sent: ${rejection.message}`,
      );
      return false;
    }
  }

  #withHop<T extends Trail>(home: T, ingress: Ingress): T {
    // Asking for a link's state is not for free, and few messages are traced.
    return home.hops === undefined ? home : withReplyHop(home, this.#options, ingress.status());
  }
}
