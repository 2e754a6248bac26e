import type { BridgeObserver } from '../envelope/observer.ts';
import type { Claim, Claims, Copy } from '../envelope/port.ts';
import type { RejectionContext } from '../envelope/rejection.ts';
import { REQUEST_OVERHEAD_BYTES } from '../envelope/size.ts';

/** Where no other instance gets copies, such as in a replay. */
export const ALWAYS_WON: Claims = { claim: async () => ({ result: 'won' }) };

export interface ClaimingOptions {
  readonly claims: Claims;
  readonly observer: BridgeObserver;
  /** Ms since the epoch. */
  readonly clock: () => number;
}

/**
 * Answers to refusals that an ingress claims in a while. A client that may write to its broker can cause any number, and each
 * is kept as long as a claim is.
 */
const MAX_ANSWERS = 100;
const ANSWERS_WINDOW_MS = 10_000;

/** The step before a request is routed: of what every instance has got a copy of, one takes it. */
export class Claiming {
  readonly #options: ClaimingOptions;
  /** By ingresses. */
  readonly #answers = new Map<string, { ends: number; count: number }>();
  #pending = 0;
  #onNone: (() => void) | undefined;

  constructor(options: ClaimingOptions) {
    this.#options = options;
  }

  /** What waits for a claim. */
  get pending(): number {
    return this.#pending;
  }

  /** Resolves once nothing waits. */
  async settled(): Promise<void> {
    if (this.#pending === 0) return;
    await new Promise<void>((resolve) => {
      this.#onNone = resolve;
    });
  }

  /**
   * @param bytes what the request takes while it waits
   * @returns whether this instance handles it; where not, it has been reported
   */
  async ofRequest(copy: Copy, bytes: number, context: RejectionContext): Promise<boolean> {
    const claim = await this.#claim(copy, bytes, context);
    if (claim.result === 'won') return true;
    this.#leave(claim, copy, context);
    return false;
  }

  /**
   * Of the message itself nothing is kept.
   * @returns whether this instance answers for a message that is refused (`won`), only reports it (`unknown`), or leaves it
   *   to another one, which has been reported then
   */
  async ofRefusal(ingress: string, copy: Copy, context: RejectionContext): Promise<Claim['result']> {
    if (!this.#mayAnswer(ingress)) return 'unknown';
    const { result } = await this.#claim(copy, REQUEST_OVERHEAD_BYTES, context);
    if (result === 'lost') this.#leave({ result }, copy, context);
    return result;
  }

  #mayAnswer(ingress: string): boolean {
    const now = this.#options.clock();
    const window = this.#answers.get(ingress);
    if (window === undefined || now >= window.ends) {
      this.#answers.set(ingress, { ends: now + ANSWERS_WINDOW_MS, count: 1 });
      return true;
    }
    return ++window.count <= MAX_ANSWERS;
  }

  async #claim({ claim: key }: Copy, bytes: number, context: RejectionContext): Promise<Claim> {
    const { claims, observer } = this.#options;
    const since = performance.now();
    this.#pending++;
    try {
      const claim = await claims.claim(key, bytes);
      const seconds = (performance.now() - since) / 1000;
      observer.claimed({ key, result: claim.result, seconds, context });
      return claim;
    } finally {
      if (--this.#pending === 0) this.#onNone?.();
    }
  }

  #leave(claim: Claim, copy: Copy, context: RejectionContext): void {
    this.#options.observer.leftAlone({
      what: 'request',
      why: claim.result === 'unknown' ? 'claims_unknown' : 'another_instance',
      context,
      claim: copy.claim,
      ...(claim.result === 'unknown' && { reason: claim.reason }),
    });
  }
}
