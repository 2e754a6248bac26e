/**
 * What a record is about: `request` a decision or a refusal; `unsent` a request that was let pass and did not go out;
 * `replies` what came back by this instance. The others are about the file itself: `start` of a process or of a file, `close` of
 * a file, a signed `head`, files that were removed (`dropped`), records that could not be written (`lost`).
 */
export const KINDS = ['request', 'unsent', 'replies', 'start', 'close', 'head', 'dropped', 'lost'] as const;

export type Kind = (typeof KINDS)[number];

/** What Choria's own audit says of a request. */
export interface Asked {
  /** As its client made it up. */
  readonly requestId: string;
  /** When the client made it, in ms since the epoch; undefined where nothing that can be read says it. */
  readonly requestTime: number | undefined;
  /** As the signature proved it; undefined where nobody verified it. */
  readonly caller: string | undefined;
  readonly sender: string;
  readonly agent: string | undefined;
  /** Undefined for discovery. */
  readonly action: string | undefined;
  /** The inputs, redacted, as JSON text. */
  readonly data: string | undefined;
}

/** One record, before it has its place in a chain and its form in a file. */
export interface AuditEvent {
  readonly kind: Kind;
  /** Ms since the epoch. */
  readonly time: number;
  /** Of requests alone. */
  readonly asked?: Asked;
  /** All else, as it is written; undefined is left out. */
  readonly more: Readonly<Record<string, unknown>>;
}

/** Whose records they are. */
export interface Writer {
  readonly cluster: string;
  readonly instance: string;
}
