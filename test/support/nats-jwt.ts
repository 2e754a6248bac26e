import { nkeys } from '@nats-io/transport-node';

/** Keys and claims of a NATS operator, one account and its users (docs.nats.io, "JWTs"). */
export interface NatsOperator {
  /** For a server's configuration. */
  readonly config: string;
  /** The text of a `.creds` file. @param expires seconds since the epoch */
  credentials(user: string, expires?: number): string;
}

type Signer = ReturnType<typeof nkeys.createOperator>;

const base64url = (text: string | Uint8Array): string => Buffer.from(text).toString('base64url');

const token = (signer: Signer, subject: Signer, name: string, nats: object, expires?: number): string => {
  const claims = {
    jti: name,
    iat: Math.floor(Date.now() / 1000) - 60,
    iss: signer.getPublicKey(),
    sub: subject.getPublicKey(),
    name,
    ...(expires === undefined ? {} : { exp: expires }),
    nats: { version: 2, ...nats },
  };
  const head = base64url(JSON.stringify({ typ: 'JWT', alg: 'ed25519-nkey' }));
  const text = `${head}.${base64url(JSON.stringify(claims))}`;
  return `${text}.${base64url(signer.sign(Buffer.from(text)))}`;
};

const NO_LIMIT = { subs: -1, data: -1, payload: -1 };

export const makeNatsOperator = (): NatsOperator => {
  const [operator, account] = [nkeys.createOperator(), nkeys.createAccount()];
  const limits = { ...NO_LIMIT, imports: -1, exports: -1, conn: -1, leaf: -1, wildcards: true };
  const accountToken = token(operator, account, 'account', { type: 'account', limits });
  return {
    config: [
      `operator: ${token(operator, operator, 'operator', { type: 'operator' })}`,
      'resolver: MEMORY',
      `resolver_preload: { ${account.getPublicKey()}: ${accountToken} }`,
    ].join('\n'),
    credentials: (name, expires) => {
      const user = nkeys.createUser();
      const jwt = token(account, user, name, { type: 'user', ...NO_LIMIT }, expires);
      const seed = Buffer.from(user.getSeed()).toString();
      return [
        '-----BEGIN NATS USER JWT-----',
        jwt,
        '------END NATS USER JWT------',
        '',
        '************************* IMPORTANT *************************',
        '',
        '-----BEGIN USER NKEY SEED-----',
        seed,
        '------END USER NKEY SEED------',
        '',
      ].join('\n');
    },
  };
};
