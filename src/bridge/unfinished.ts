import type { BridgeObserver, Step } from '../envelope/observer.ts';

/** Whether a bridge is still at what it was given, for code that feeds it and sees what leaves it. */
export class Unfinished implements Pick<BridgeObserver, 'step' | 'handled'> {
  #requests = 0;
  /** Replies that the bridge has sent, less those that have left. */
  #replies = 0;

  get isBusy(): boolean {
    return this.#requests > 0 || this.#replies > 0;
  }

  step(step: Step): void {
    if (step === 'request received') this.#requests++;
    else if (step === 'reply sent' || step === 'error sent') this.#replies++;
    else if (step === 'reply lost') this.#replies--;
  }

  handled(what: 'request' | 'reply'): void {
    if (what === 'request') this.#requests--;
  }

  /** A reply or an error has left by an ingress. */
  left(): void {
    this.#replies--;
  }
}
