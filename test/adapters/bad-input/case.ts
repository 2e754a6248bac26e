import type { RejectionCode } from '../../../src/envelope/rejection.ts';
import type { Deviation } from '../choria-client.ts';
import type { WorldOptions } from '../world.ts';

/** A bad request whose client can be told. */
export interface Case {
  readonly what: string;
  readonly code: RejectionCode;
  readonly send: Deviation;
  /** What the sentence at the client names. */
  readonly says: string;
  readonly world?: WorldOptions;
}

const EMPTY = { fact: [], cf_class: [], agent: [], identity: [], compound: [] };

/** An RPC body that says nothing of its caller, unless told. */
export const rpc = (fields: Readonly<Record<string, unknown>>): string =>
  JSON.stringify({ agent: 'rpcutil', action: 'ping', data: {}, ...fields });

export const filter = (part: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> => ({
  filter: { ...EMPTY, ...part },
});
