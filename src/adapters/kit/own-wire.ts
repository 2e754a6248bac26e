import type { ValueMap } from '../../envelope/value.ts';

/** A message as a recording has it. */
export interface RecordedMessage {
  /** From the bridge's point of view. */
  readonly dir: 'in' | 'out';
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** A redacted message. */
export interface CleanMessage {
  /** Of the request that it is, or answers. */
  readonly requestId: string;
  /** Of a request: whose it says it is. */
  readonly callerId?: string;
  readonly body: Buffer;
}

/**
 * Takes what was chosen out of the fields that a message has for an agent or of one: `action`, `data`, `statuscode`, `statusmsg`,
 * `process_results`. Fields of other names are dropped: they might hold anything.
 * @param reply of a reply: a text for what it answers and whose it is
 */
export type RedactFields = (fields: ValueMap, reply?: string) => ValueMap;

/** The shared secrets that prove a side's messages, by the settings of `keys()`: `secret_file`. Without a line end. */
export interface SharedSecrets {
  /** What the recording was proved with. @throws ConfigError for a file that cannot be read */
  recorded(setting: string): string;
  /** What stands in for it: the redacted recording is proved with it, and a replay of that verifies with it. */
  standIn(setting: string): string;
}

/** Messages in an adapter's own format, which the adapter itself reads. */
export interface OwnWire {
  readonly format: 'own';
  /** Headers that it writes; what is redacted has no others. */
  readonly headers: ReadonlySet<string>;
  /** Whether a JSON document is one of its messages. */
  holds(document: ValueMap): boolean;
  /** @throws Rejection for what is wrong with a document that it holds */
  check(document: ValueMap): void;
  /**
   * The message without what `fields` takes out of it. One that a shared secret proves is proved anew with what stands in for
   * that; one whose proof was wrong stays wrong. @throws Rejection for what cannot be read
   */
  redact(message: RecordedMessage, fields: RedactFields, secrets: SharedSecrets): CleanMessage;
}
