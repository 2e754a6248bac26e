import { z } from 'zod';
import { camelKeys } from '../../config/camel-keys.ts';
import type { SchemaContext } from '../../config/context.ts';
import {
  ALWAYS,
  bool,
  bytes,
  choice,
  field,
  integer,
  keysOf,
  path,
  refuse,
  seconds,
  setting,
  text,
} from '../../config/fields.ts';
import { type ListenAddress, readAddress } from '../../config/listen.ts';
import { hostsOf, isLoopback } from '../../config/loopback.ts';
import { checkRevocationKeys, revocationFields, revocationOf } from '../../config/revocation.ts';
import { hostName, url } from '../../config/shared.ts';

const KiB = 1024;
const MiB = 1024 ** 2;

/** With a key each; those of HMAC need a secret that is shared, and `none` proves nothing. */
const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const;

const listen = () => field('an address and a port such as 127.0.0.1:8443 or [::]:8443', readAddress);

const origin = () =>
  text('an origin such as https://ops.example.net, without a path', (value) => {
    return URL.canParse(value) && new URL(value).origin === value;
  });

/** A token goes there, so it is plain on this machine only. A query would be in the logs of what is between. */
const pageUrl = () =>
  text(
    'a URL such as wss://ops.example.net/mcbridge, or ws:// on this machine, without a user and a query',
    (value) => {
      if (!URL.canParse(value)) return false;
      const { protocol, hostname, username, password, search, hash } = new URL(value);
      const isSafe = protocol === 'wss:' || (protocol === 'ws:' && isLoopback(hostname));
      return (
        isSafe &&
        !hostname.startsWith('[') &&
        /^[!-+\--:<-~]+$/.test(value) &&
        username + password + search + hash === ''
      );
    },
  );

/** All addresses of the machine; no client names one of these. */
const isAny = (host: string): boolean => host === '0.0.0.0' || host === '::';

const tls = (file: () => ReturnType<typeof path>) =>
  z.strictObject({
    cert: setting('the certificate that clients are shown, in PEM, with its intermediates', file()),
    key: setting('its private key, in PEM', file()),
  });

const clients = (file: () => ReturnType<typeof path>) =>
  z.strictObject({
    ca: setting(
      "the CA that signs clients' certificates, in PEM: who has one of it is cert=<its common name>",
      file(),
    ),
    ...revocationFields(file),
  });

const tokens = (file: () => ReturnType<typeof path>) =>
  z
    .strictObject({
      issuer: setting(
        'who makes the tokens',
        text('what tokens say as iss, such as https://login.example.net'),
      ),
      audience: setting('for whom they are made', text('what tokens say as aud')),
      jwks_file: setting('a file with the public keys, a JSON Web Key Set', file().optional()),
      jwks_url: setting('where those keys are, in place of a file', url(['https']).optional()),
      algorithms: setting('how tokens may be signed', z.array(choice(ALGORITHMS)).min(1).default(['RS256'])),
      claim: setting('which claim is the name: the caller is oidc=<it>', text('a claim').default('sub')),
      leeway: setting('by how much clocks may differ', seconds(0, 600).default(30)),
    })
    .superRefine((it, context) => {
      if ((it.jwks_file === undefined) === (it.jwks_url === undefined))
        refuse(context, [], 'give either jwks_file or jwks_url');
    }, ALWAYS);

interface Given {
  readonly listen?: ListenAddress | undefined;
  readonly tls?: unknown;
  readonly insecure_plaintext?: unknown;
  readonly clients?: { readonly crl?: unknown; readonly crl_expired?: unknown } | undefined;
  readonly tokens?: unknown;
  readonly hosts?: unknown;
}

const checkTogether = (it: Given, context: z.core.$RefinementCtx<Given>): void => {
  const { host } = keysOf(it.listen) ?? {};
  const isPlain = it.tls === undefined;
  checkRevocationKeys(keysOf(it.clients), ['clients'], context);
  if (isPlain && host !== undefined && !isLoopback(host) && it.insecure_plaintext !== true)
    refuse(
      context,
      ['tls'],
      'is missing: elsewhere than on this machine it takes tls, or insecure_plaintext: true',
    );
  if (!isPlain && it.insecure_plaintext === true)
    refuse(context, ['insecure_plaintext'], 'contradicts tls: leave out one of them');
  if (it.clients === undefined && it.tokens === undefined)
    refuse(context, [], 'nobody could come in: give clients, tokens, or both');
  if (it.clients !== undefined && isPlain)
    refuse(context, ['clients'], 'are of no use without tls: a certificate is shown with TLS');
  if (host !== undefined && isAny(host) && it.hosts === undefined)
    refuse(
      context,
      ['hosts'],
      'is missing: where it listens at every address, it takes the names by which clients reach it',
    );
};

export const webSocketIngress = (context: SchemaContext) => {
  const file = () => path(context.resolve);
  return z
    .strictObject({
      type: z.literal('websocket').describe('requests over WebSockets, as JSON-RPC 2.0'),
      listen: setting('where it listens', listen()),
      tls: setting('with which certificate', tls(file).optional()),
      insecure_plaintext: setting(
        'without TLS also elsewhere than on this machine: behind a proxy that speaks it, or on a test network',
        bool().default(false),
      ),
      clients: setting('clients that have a certificate', clients(file).optional()),
      tokens: setting('clients that have a bearer token (JWT)', tokens(file).optional()),
      origins: setting(
        'which pages may connect, by their origin; without any no browser can',
        z.array(origin()).default([]),
      ),
      hosts: setting(
        'the names by which clients reach it, as their header Host has them; where it is not given, that of listen',
        z.array(hostName()).min(1).optional(),
      ),
      url: setting(
        'where pages reach it, where that is a proxy; where it is not given, the first of hosts and the port of listen',
        pageUrl().optional(),
      ),
      max_sessions: setting('how many there may be', integer(1, 100_000).default(1000)),
      max_sessions_per_caller: setting('how many one caller may have', integer(1, 100_000).default(20)),
      max_calls: setting('how many calls may run in a session', integer(1, 10_000).default(32)),
      max_message: setting('the longest message of a client', bytes(1 * KiB, 16 * MiB).default(256 * KiB)),
      max_buffered: setting(
        'what may wait for a client that takes nothing; more, and it is cut off',
        bytes(64 * KiB, 1024 * MiB).default(8 * MiB),
      ),
      ping: setting('how often a client has to show that it is there', seconds(1, 3600).default(30)),
    })
    .superRefine(checkTogether, ALWAYS)
    .transform(({ clients, tokens, hosts, ...it }) => ({
      ...camelKeys(it),
      clients: clients && { ca: clients.ca, revocation: revocationOf(clients) },
      tokens: tokens && camelKeys(tokens),
      hosts: hosts?.map((host) => host.toLowerCase()) ?? hostsOf(it.listen.host),
    }));
};

/** Requests over WebSockets. */
export type WebSocketIngressConfig = z.output<ReturnType<typeof webSocketIngress>>;
