import { type ChainState, newChain } from './chain.ts';
import { type Head, type HeadOptions, linkedAll, type OwnRecord, type Target } from './target.ts';

export interface StreamTargetOptions extends HeadOptions {
  readonly own: OwnRecord;
  /** Hands over all lines, or throws and hands over none. */
  readonly send: (lines: readonly string[]) => void | Promise<void>;
  readonly onHead: (head: Head) => void;
}

/** Where lines go and do not come back: each process has a chain of its own there. */
export class StreamTarget implements Target {
  #options: StreamTargetOptions;
  #at: { readonly state: ChainState; readonly since: number } | undefined;

  constructor(options: StreamTargetOptions) {
    this.#options = options;
  }

  follow(options: StreamTargetOptions): void {
    this.#options = options;
  }

  async write(records: readonly string[], wantsHead: boolean): Promise<void> {
    const { own, send, signer, every, onHead } = this.#options;
    const isFirst = this.#at === undefined;
    const more = signer === undefined ? {} : { key: signer.key, heads_every: every };
    const all = isFirst ? [own('start', more), ...records] : records;
    const before = this.#at ?? { state: newChain(), since: 0 };
    const linked = linkedAll(before, all, wantsHead, this.#options, own);
    if (linked.text === '') return;
    await send(linked.text.slice(0, -1).split('\n'));
    this.#at = linked;
    for (const head of linked.heads) onHead(head);
  }

  async close(): Promise<void> {
    if (this.#at !== undefined) await this.write([], true);
  }
}
