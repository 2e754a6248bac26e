import { HttpRefusal, type ProofFault, ProofRefusal } from '../proof/refusal.ts';

/** Why an upgrade is refused, or a session ended, as what it counts. */
export type SessionFault =
  | ProofFault
  | 'bad_upgrade'
  | 'wrong_host'
  | 'wrong_origin'
  | 'too_many_sessions'
  | 'bad_subprotocol'
  | 'not_utf8'
  | 'binary'
  | 'too_large'
  | 'too_many_fragments'
  | 'bad_frame'
  | 'slow_reader'
  | 'silent';

/** An upgrade that is refused. */
export class UpgradeRefusal extends HttpRefusal<SessionFault> {
  override readonly name = 'UpgradeRefusal';
}

/** Why there is no WebSocket. */
export type Refusal = UpgradeRefusal | ProofRefusal;

export const isRefusal = (error: unknown): error is Refusal =>
  error instanceof UpgradeRefusal || error instanceof ProofRefusal;
