/** Why what is to prove a name does not, as what it counts. */
export type ProofFault =
  | 'no_credentials'
  | 'invalid_token'
  | 'token_ended'
  | 'untrusted_certificate'
  | 'revoked_certificate'
  | 'no_name'
  | 'keys_unknown';

/** A request that is refused: a status of HTTP, and a sentence for who asked. No secret is in it. */
export class HttpRefusal<Fault extends string> extends Error {
  readonly status: number;
  readonly fault: Fault;

  constructor(status: number, fault: Fault, sentence: string, options?: ErrorOptions) {
    super(sentence, options);
    this.status = status;
    this.fault = fault;
  }
}

/** A request that does not prove who asks. */
export class ProofRefusal extends HttpRefusal<ProofFault> {
  override readonly name = 'ProofRefusal';
}
