import { type ChainState, link } from './chain.ts';
import type { Kind } from './event.ts';
import type { HeadSigner } from './head.ts';

/** Makes a record of the audit's own. */
export type OwnRecord = (kind: Kind, more: Readonly<Record<string, unknown>>) => string;

/** A signed head, as it is told to others. */
export interface Head {
  readonly chain: string;
  readonly epoch: number;
  readonly seq: number;
  /** SHA-256 of its line. */
  readonly hash: string;
  readonly line: string;
}

export interface HeadOptions {
  /** Undefined: there are none. */
  readonly signer: HeadSigner | undefined;
  /** Records after which one is signed. */
  readonly every: number;
}

/** Where records go: they get their place in a chain there. */
export interface Target {
  /**
   * All of them or, where it throws, none.
   * @param wantsHead whether a head is to be signed after them, if anything is new since the last one
   */
  write(records: readonly string[], wantsHead: boolean): Promise<void>;
  /** What has been moved away is written to no more. */
  reopen?(): Promise<void>;
  close(): Promise<void>;
}

/** Records with their places. */
export interface Linked {
  readonly text: string;
  readonly state: ChainState;
  /** Records since the last head. */
  readonly since: number;
  readonly heads: readonly Head[];
}

/** A head is a record too, and says what it is the head of. */
export const headOf = (
  state: ChainState,
  kind: Kind,
  more: Readonly<Record<string, unknown>>,
  signer: HeadSigner,
  own: OwnRecord,
): { readonly line: string; readonly state: ChainState; readonly head: Head } => {
  const linked = link(state, own(kind, { ...more, key: signer.key }), (text) => signer.sign(text));
  const { chain, epoch, seq, prev: hash } = linked.state;
  return { ...linked, head: { chain, epoch, seq, hash, line: linked.line } };
};

/** Gives records their places behind a state, with heads where they are due. */
export const linkedAll = (
  before: { readonly state: ChainState; readonly since: number },
  records: readonly string[],
  wantsHead: boolean,
  { signer, every }: HeadOptions,
  own: OwnRecord,
): Linked => {
  let { state, since } = before;
  const lines: string[] = [];
  const heads: Head[] = [];
  const sign = (): void => {
    if (signer === undefined) return;
    const made = headOf(state, 'head', { records: since }, signer, own);
    lines.push(made.line);
    heads.push(made.head);
    state = made.state;
    since = 0;
  };
  for (const record of records) {
    const linked = link(state, record);
    lines.push(linked.line);
    state = linked.state;
    if (++since >= every) sign();
  }
  if (wantsHead && since > 0) sign();
  return { text: lines.map((line) => `${line}\n`).join(''), state, since, heads };
};
