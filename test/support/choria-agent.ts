import type { Filtered } from './choria-filter.ts';
import type { Dialect, Json } from './choria-messages.ts';

/** What a node tells of itself. */
export interface NodeState extends Required<Filtered> {
  readonly dialect: Dialect;
  /** The first is the main one. */
  readonly collectives: readonly string[];
  /** Counts of messages, by the names that `daemon_stats` gives them. */
  readonly stats: Readonly<Record<string, number>>;
  /** Seconds since the epoch. */
  readonly startTime: number;
}

/** An input, as a DDL declares it. */
export interface Input {
  readonly optional?: boolean;
  readonly type: 'string' | 'integer';
  readonly validation?: RegExp;
  /** Characters; 0 for any number. */
  readonly maxLength?: number;
}

export interface Action {
  readonly inputs?: Readonly<Record<string, Input>>;
  /** As the DDL has them: Ruby's agents answer with all of them, null where they set none. */
  readonly outputs?: readonly string[];
  /** @param now ms since the epoch */
  run(data: Json, node: NodeState, now: number): Json;
}

export type Agent = Readonly<Record<string, Action>>;

/** How an action fails: with a status code from 1 to 5, and with what it has set until then. */
export class ActionFailed extends Error {
  override readonly name = 'ActionFailed';
  readonly code: number;
  readonly data: Json;

  constructor(code: number, message: string, data: Json = {}) {
    super(message);
    this.code = code;
    this.data = data;
  }
}
