import type { Answer, Audit, Refused } from '../envelope/audit.ts';
import type { Decided } from '../envelope/decision.ts';
import type { RouteId } from '../envelope/observer.ts';
import type { Rejection } from '../envelope/rejection.ts';

export interface LaterOptions {
  readonly audit: Audit;
  /** Whether a request waits until it is written down. */
  readonly isAwaited: () => boolean;
  /** What kept something from being written down, though nobody waits. */
  readonly onFailure: (error: unknown) => void;
}

/**
 * An audit that nobody waits for does its work once what came is on its way: a request would feel it otherwise. In order, in the
 * same turn of the event loop.
 */
export class Later implements Audit {
  readonly #options: LaterOptions;
  #waiting: (() => void)[] = [];
  #turn: NodeJS.Immediate | undefined;

  constructor(options: LaterOptions) {
    this.#options = options;
  }

  record(decided: Decided): void | Promise<void> {
    const { audit, isAwaited } = this.#options;
    if (!isAwaited()) {
      this.#add(() => void audit.record(decided));
      return;
    }
    this.flush();
    return audit.record(decided);
  }

  refused(refused: Refused): void {
    this.#add(() => this.#options.audit.refused(refused));
  }

  unsent(rejection: Rejection, extent: 'all' | 'some', route: RouteId): void {
    this.#add(() => this.#options.audit.unsent(rejection, extent, route));
  }

  answered(answer: Answer): void {
    this.#add(() => this.#options.audit.answered(answer));
  }

  /** Does at once what is left to do: before the audit is another, or is over. */
  flush(): void {
    clearImmediate(this.#turn);
    this.#turn = undefined;
    const works = this.#waiting;
    this.#waiting = [];
    for (const work of works)
      try {
        work();
      } catch (error) {
        this.#options.onFailure(error);
      }
  }

  #add(work: () => void): void {
    this.#waiting.push(work);
    this.#turn ??= setImmediate(() => this.flush());
  }
}
