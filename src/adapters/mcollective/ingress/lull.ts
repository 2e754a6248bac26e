/**
 * ActiveMQ gives a frame again, to any instance, that it was just giving to a subscription that ended. So a subscription
 * to a queue ends in a pause between frames of so many ms, or after so many ms without one.
 */
const PAUSE = 100;
const NO_PAUSE = 2_000;
/** What it was giving still comes by the subscription that has ended, marked as delivered again or not: within so many ms. */
const LATE = 500;

/** Waits for a pause between frames. */
export class Lull {
  /** When the last frame came, by the monotonic clock. */
  #heard = 0;
  #isCut = false;

  /** A frame has come. */
  heard(): void {
    this.#heard = performance.now();
  }

  /** @returns in a pause between frames, or when there was none for too long */
  async wait(pause = PAUSE): Promise<void> {
    const deadline = performance.now() + NO_PAUSE;
    for (;;) {
      const now = performance.now();
      const left = Math.min(this.#heard + pause, deadline) - now;
      if (left <= 0 || this.#isCut) return;
      await new Promise((resolve) => setTimeout(resolve, left).unref());
    }
  }

  /** After the end of a subscription. @returns when no more frames come by it */
  late(): Promise<void> {
    this.heard();
    return this.wait(LATE);
  }

  /** Nobody waits any more: the link is about to go. */
  cut(): void {
    this.#isCut = true;
  }
}
