/** Why what is to prove a name does not, as what it counts. */
export type ProofFault =
  | 'no_credentials'
  | 'invalid_token'
  | 'token_ended'
  | 'untrusted_certificate'
  | 'revoked_certificate'
  | 'no_name'
  | 'keys_unknown';

/** A request that does not prove who asks: a status of HTTP, and a sentence for who asked. No secret is in it. */
export class ProofRefusal extends Error {
  override readonly name = 'ProofRefusal';
  readonly status: number;
  readonly fault: ProofFault;

  constructor(status: number, fault: ProofFault, sentence: string, options?: ErrorOptions) {
    super(sentence, options);
    this.status = status;
    this.fault = fault;
  }
}
