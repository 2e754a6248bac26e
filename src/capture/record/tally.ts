import type { CassetteMessage } from '../file/format.ts';

/** What has gone one way through one link. */
export interface Flow {
  readonly link: string;
  readonly side: CassetteMessage['side'];
  readonly dir: CassetteMessage['dir'];
  messages: number;
  /** Of the bodies, as they were on the wire. */
  bytes: number;
}

/** What was recorded, and what was not. */
export class Tally {
  readonly #flows = new Map<string, Flow>();
  readonly #leftOut = new Map<string, number>();
  messages = 0;
  bytes = 0;
  /** Refusals that the bridge reported. */
  rejected = 0;
  /** Messages that came faster than the disk took them. */
  dropped = 0;

  add({ link, side, dir }: Pick<CassetteMessage, 'link' | 'side' | 'dir'>, bytes: number): void {
    const key = `${side} ${link} ${dir}`;
    const flow = this.#flows.get(key) ?? { link, side, dir, messages: 0, bytes: 0 };
    this.#flows.set(key, flow);
    flow.messages++;
    flow.bytes += bytes;
    this.messages++;
    this.bytes += bytes;
  }

  /** A message that must not be recorded as it is, and cannot be recorded otherwise. */
  leaveOut(reason: string): void {
    this.#leftOut.set(reason, (this.#leftOut.get(reason) ?? 0) + 1);
  }

  /** In the order in which they were first used. */
  get flows(): readonly Readonly<Flow>[] {
    return [...this.#flows.values()];
  }

  /** By reason. */
  get leftOut(): ReadonlyMap<string, number> {
    return this.#leftOut;
  }
}
