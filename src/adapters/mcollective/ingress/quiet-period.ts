/**
 * ActiveMQ gives a frame to another subscription that it was just giving to one that ended; the link tells the two apart, but
 * not where that one ends as well. So a subscription to a queue ends in a pause between frames of so many ms, or after so many
 * ms without one.
 */
const QUIET_PERIOD_MS = 100;
const QUIET_TIMEOUT_MS = 2_000;
/** What it has given, and not taken back, still comes by the subscription that has ended: within so many ms. */
const STRAGGLERS_MS = 500;

/** Waits for a pause between frames. */
export class QuietPeriod {
  /** When the last frame came, by the monotonic clock. */
  #heard = 0;
  #isCancelled = false;

  /** A frame has come. */
  heard(): void {
    this.#heard = performance.now();
  }

  /** @returns in a pause between frames, or when there was none for too long */
  async waitForGap(pause = QUIET_PERIOD_MS): Promise<void> {
    const deadline = performance.now() + QUIET_TIMEOUT_MS;
    for (;;) {
      const now = performance.now();
      const left = Math.min(this.#heard + pause, deadline) - now;
      if (left <= 0 || this.#isCancelled) return;
      await new Promise((resolve) => setTimeout(resolve, left).unref());
    }
  }

  /** After the end of a subscription. @returns when no more frames come by it */
  waitForStragglers(): Promise<void> {
    this.heard();
    return this.waitForGap(STRAGGLERS_MS);
  }

  /** Ends all waits: the link is about to go. */
  cancel(): void {
    this.#isCancelled = true;
  }
}
