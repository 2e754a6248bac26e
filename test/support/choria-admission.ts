import { createPublicKey, verify, X509Certificate } from 'node:crypto';
import { bytesOf, integerOf, listOf, must, objectOf, textOf } from './choria-checks.ts';
import type { Dialect, Json } from './choria-messages.ts';
import type { RubyTrust, Shown } from './choria-ruby-security.ts';

/** A request that a node believes. */
export interface Admitted {
  readonly requestId: string;
  readonly caller: string;
  readonly collective: string;
  readonly agent: string;
  /** Seconds. */
  readonly ttl: number;
  /** Seconds since the epoch. */
  readonly time: number;
  readonly filter: Json;
  /** The text in `message`. */
  readonly message: string;
}

const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
const ANY_USAGE = '2.5.29.37.0';
/** The defaults of `plugin.choria.security.privileged_users` and `…certname_whitelist`. */
const PRIVILEGED = [/\.privileged.mcollective$/, /\.privileged.choria$/];
const ALLOWED = [/\.mcollective$/, /\.choria$/];
const ENVELOPE = ['requestid', 'senderid', 'callerid', 'collective', 'agent', 'ttl', 'time', 'filter'];
const FACT_OPERATORS = ['>=', '<=', '<', '>', '!=', '==', '=~'];

const isChained = (
  certificate: X509Certificate,
  others: readonly X509Certificate[],
  ca: X509Certificate,
  now: number,
): boolean => {
  if (Date.parse(certificate.validFrom) > now || Date.parse(certificate.validTo) < now) return false;
  const isBy = (issuer: X509Certificate): boolean =>
    certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
  if (isBy(ca)) return true;
  return others.some(
    (other) =>
      other.ca &&
      isBy(other) &&
      isChained(
        other,
        others.filter((one) => one !== other),
        ca,
        now,
      ),
  );
};

/** The name that is claimed, and the certificate that is shown for it: by the CA, valid now, and one for clients. */
const callerOf = (
  callerid: string,
  pem: string,
  ca: X509Certificate,
  dialect: Dialect,
  now: number,
): { readonly name: string; readonly shown: Shown } => {
  const name = (dialect === 'ruby' ? /^choria=([\w.-]+)/ : /^[a-z]+=([\w.-]+)/).exec(callerid)?.[1];
  must(name !== undefined, `callerid ${callerid}`);
  const [certificate, ...others] = (
    pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END [^-]+-----/g) ?? []
  ).map((text) => new X509Certificate(text));
  must(certificate !== undefined, `pubcert of ${callerid} is no certificate`);
  // Ruby's nodes know of no intermediates: they ask for the CA's own signature.
  must(
    isChained(certificate, dialect === 'ruby' ? [] : others, ca, now),
    `certificate of ${callerid} is not by the CA, or not valid now`,
  );
  // Node calls the extended usages so, and leaves them undefined where there are none.
  const usages = certificate.keyUsage as readonly string[] | undefined;
  must(
    usages === undefined || usages.includes(CLIENT_AUTH) || usages.includes(ANY_USAGE),
    `usage of the certificate of ${callerid}`,
  );
  const commonName = /CN=(.+)/.exec(certificate.subject)?.[1] ?? '';
  const names = [
    commonName,
    ...(certificate.subjectAltName ?? '')
      .split(', ')
      .flatMap((entry) => (entry.startsWith('DNS:') ? [entry.slice(4)] : [])),
  ];
  const privileged = names.some((one) => PRIVILEGED.some((pattern) => pattern.test(one)));
  const allowed = ALLOWED.some((pattern) => pattern.test(name));
  return { name, shown: { pem, commonName, names, privileged, allowed } };
};

/** Whether filesec lets the caller in with this certificate (go-choria's `ShouldAllowCaller`). */
const checkName = (callerid: string, name: string, { names, privileged, allowed }: Shown): void => {
  if (privileged) return;
  must(names.includes(name), `${callerid} shows the certificate of ${names.join(' ')}`);
  must(allowed, `${callerid} is not on the list`);
};

/** The `filter` of go-choria's schema of `choria:request:1`. */
const checkFilter = (filter: Json): void => {
  for (const fact of listOf(filter['fact'], 'filter fact')) {
    const { fact: name, operator, value } = objectOf(fact, 'a fact filter');
    for (const part of [name, operator, value]) textOf(part, 'a part of a fact filter');
    must(FACT_OPERATORS.includes(String(operator)), `operator ${operator}`);
  }
  for (const key of ['cf_class', 'identity', ...('agent' in filter ? ['agent'] : [])])
    for (const one of listOf(filter[key], `filter ${key}`))
      must(typeof one === 'string', `${key} to filter by is no text`);
  for (const one of listOf(filter['compound'], 'filter compound'))
    for (const part of listOf(one, 'a compound filter')) objectOf(part, 'a part of a compound filter');
};

/** go-choria's schema of `choria:request:1`, and what Ruby's `valid_protocol?` checks besides. */
const checkEnvelope = (envelope: Json, dialect: Dialect): void => {
  for (const key of ENVELOPE) must(key in envelope, `the envelope lacks ${key}`);
  must(textOf(envelope['requestid'], 'request id').length === 32, 'length of the request id');
  must(typeof envelope['senderid'] === 'string', 'senderid is no text');
  for (const key of ['callerid', 'collective', 'agent']) textOf(envelope[key], key);
  const ttl = integerOf(envelope['ttl'], 'ttl');
  integerOf(envelope['time'], 'time');
  checkFilter(objectOf(envelope['filter'], 'filter'));
  if (dialect === 'go') must(ttl >= 30, `ttl ${ttl} is less than 30`);
  else for (const key of Object.keys(envelope)) must(ENVELOPE.includes(key), `the envelope has ${key}`);
};

/**
 * Checks a request as go-choria's `secureRequest.Valid` does, down to the signature. Its age is for later: nodes look
 * at it last.
 * @param now ms since the epoch
 * @param trust whom a node of Ruby believes; undefined: one of Go
 * @throws Refused
 */
export const admit = (
  transport: Json,
  ca: X509Certificate,
  trust: RubyTrust | undefined,
  now: number,
): Admitted => {
  const dialect = trust === undefined ? 'go' : 'ruby';
  const secure = objectOf(JSON.parse(bytesOf(transport['data'], 'data').toString()), 'secure request');
  must(secure['protocol'] === 'choria:secure:request:1', 'protocol of the secure request');
  const text = textOf(secure['message'], 'message of the secure request');
  const pem = textOf(secure['pubcert'], 'pubcert');
  const signature = bytesOf(secure['signature'], 'signature');
  const request = objectOf(JSON.parse(text), 'request');
  must(request['protocol'] === 'choria:request:1', 'protocol of the request');
  const envelope = objectOf(request['envelope'], 'envelope');
  const message = textOf(request['message'], 'message');
  checkEnvelope(envelope, dialect);
  const caller = String(envelope['callerid']);
  const { name, shown } = callerOf(caller, pem, ca, dialect, now);
  const key = createPublicKey(pem);
  must(key.asymmetricKeyType === 'rsa', 'the key of the certificate is no RSA key');
  if (trust === undefined) {
    checkName(caller, name, shown);
    must(verify('RSA-SHA256', Buffer.from(text), key, signature), 'signature');
  } else trust(name, shown, { text, signature });
  return {
    requestId: String(envelope['requestid']),
    caller,
    collective: String(envelope['collective']),
    agent: String(envelope['agent']),
    ttl: Number(envelope['ttl']),
    time: Number(envelope['time']),
    filter: objectOf(envelope['filter'], 'filter'),
    message,
  };
};
