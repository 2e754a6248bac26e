import type { PeerRevocation } from '../tls/settings.ts';

/** How a listener uses TLS. */
export interface ServerTls {
  /** PEM text, with its intermediates. */
  readonly cert: string;
  readonly key: string;
  /** PEM text of the authorities of clients' certificates; where it is not given, clients are asked for none. */
  readonly clientCa?: string;
  /** Tells whether a client's certificate is revoked; where it is not given nobody asks. */
  readonly revocation?: PeerRevocation;
}

/** Where the public keys of tokens are. */
export type KeySet =
  | { readonly kind: 'text'; readonly json: string }
  | { readonly kind: 'url'; readonly url: string };

/** Which bearer tokens (JWT) prove a name. */
export interface TokenSettings {
  readonly keys: KeySet;
  readonly issuer: string;
  readonly audience: string;
  /** Of JWS; a token that names another one is refused, `none` always. */
  readonly algorithms: readonly string[];
  /** Which claim is the name. */
  readonly claim: string;
  /** By how much two clocks may differ, in ms. */
  readonly leeway: number;
}

/** How clients of a listener prove who they are. Data that can be compared. */
export interface ProofSettings {
  /** Undefined where it is plain. */
  readonly tls: ServerTls | undefined;
  readonly tokens: TokenSettings | undefined;
  /** Whether a name that was proven can be a caller. */
  readonly isName: (name: string) => boolean;
}
