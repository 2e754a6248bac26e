import { createHash, createPublicKey, verify, X509Certificate } from 'node:crypto';
import type { Dialect, Json } from './choria-messages.ts';
import { toJson } from './choria-messages.ts';

/** Why a node does not look at a message any further; real ones log it and answer nothing. */
export class Refused extends Error {
  override readonly name = 'Refused';
}

export interface NodeOptions {
  readonly identity: string;
  readonly dialect: Dialect;
  /** PEM text of the CA that vouches for callers. */
  readonly ca: string;
  readonly agents: readonly string[];
}

/** What a node makes of one message. */
export interface Handled {
  readonly requestId: string;
  readonly caller: string;
  readonly collective: string;
  readonly agent: string;
  readonly headers: Json;
  readonly hops: readonly (readonly string[])[] | undefined;
  /** Undefined where the filter does not fit. */
  readonly reply: { readonly subject: string; readonly payload: string } | undefined;
}

export interface ChoriaNode {
  readonly identity: string;
  /**
   * @param server the URL of the node's own connection, for its hop
   * @param now ms since the epoch
   * @throws Refused
   */
  handle(payload: string, server: string, now: number): Handled;
}

export const must: (holds: boolean, why: string) => asserts holds = (holds, why) => {
  if (!holds) throw new Refused(why);
};

export const objectOf = (value: unknown, what: string): Json => {
  must(typeof value === 'object' && value !== null && !Array.isArray(value), `${what} is no object`);
  return Object.fromEntries(Object.entries(value));
};

export const textOf = (value: unknown, what: string): string => {
  must(typeof value === 'string' && value !== '', `${what} is no text`);
  return value;
};

export const listOf = (value: unknown, what: string): readonly unknown[] => {
  must(Array.isArray(value), `${what} is no list`);
  return value;
};

/** As Go reads `[]byte`: standard alphabet with padding, line ends anywhere. */
export const bytesOf = (value: unknown, what: string): Buffer => {
  const compact = textOf(value, what).replace(/[\r\n]/g, '');
  must(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(compact), `base64 of ${what}`);
  return Buffer.from(compact, 'base64');
};

export const hopsOf = (value: unknown): readonly (readonly string[])[] | undefined =>
  value === undefined
    ? undefined
    : listOf(value, 'the trail').map((hop) => listOf(hop, 'a hop').map((part) => textOf(part, 'a hop')));

export const rpcReply = (dialect: Dialect, action: string, now: number): string => {
  const pong = Math.floor(now / 1000);
  const [statuscode, statusmsg, data] =
    action === 'ping' ? [0, 'OK', { pong }] : [2, `Unknown action ${action}`, {}];
  const body = { statuscode, statusmsg, data };
  return toJson(dialect === 'go' ? { action, ...body } : body, dialect);
};

const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
const PRIVILEGED = [/\.privileged.mcollective$/, /\.privileged.choria$/];
const ALLOWED = [/\.mcollective$/, /\.choria$/];
const ENVELOPE = ['requestid', 'senderid', 'callerid', 'collective', 'agent', 'ttl', 'time', 'filter'];

/** Whether filesec lets the caller in with this certificate (go-choria's `ShouldAllowCaller`). */
const checkCaller = (callerid: string, pem: string, ca: X509Certificate, now: number): void => {
  const name = /^[a-z]+=([\w.-]+)/.exec(callerid)?.[1];
  must(name !== undefined, `callerid ${callerid}`);
  const certificate = new X509Certificate(pem);
  const from = Date.parse(certificate.validFrom);
  const chained = certificate.checkIssued(ca) && certificate.verify(ca.publicKey);
  must(chained && from <= now && now <= Date.parse(certificate.validTo), `certificate of ${callerid}`);
  const usages = certificate.keyUsage as readonly string[] | undefined;
  must(usages === undefined || usages.includes(CLIENT_AUTH), `usage of the certificate of ${callerid}`);
  const names = [
    /CN=(.+)/.exec(certificate.subject)?.[1] ?? '',
    ...(certificate.subjectAltName ?? '').split(', ').map((entry) => entry.replace(/^DNS:/, '')),
  ];
  if (names.some((one) => PRIVILEGED.some((pattern) => pattern.test(one)))) return;
  must(names.includes(name), `${callerid} shows the certificate of ${names.join(' ')}`);
  must(
    ALLOWED.some((pattern) => pattern.test(name)),
    `${callerid} is not on the list`,
  );
};

/** The parts of a filter that the tests use; any other would be a test that does not test. */
export const fits = (
  filter: Json,
  { identity, agents }: Pick<NodeOptions, 'identity' | 'agents'>,
): boolean => {
  for (const key of ['fact', 'cf_class', 'compound'])
    must(listOf(filter[key], key).length === 0, `these nodes have no ${key} to filter by`);
  const one = (name: unknown): boolean => {
    const pattern = /^\/(.+)\/$/.exec(textOf(name, 'an identity'))?.[1];
    return pattern === undefined ? name === identity : new RegExp(pattern).test(identity);
  };
  const identities = listOf(filter['identity'], 'identity');
  return (
    (identities.length === 0 || identities.some(one)) &&
    listOf(filter['agent'] ?? [], 'agent').every((agent) => agents.includes(textOf(agent, 'an agent')))
  );
};

/**
 * A node that speaks protocol 1 as the recorded ones do, and is as strict with requests as go-choria's
 * `secureRequest.Valid` and `filesec`. Knows discovery and rpcutil's ping.
 */
export const createChoriaNode = (options: NodeOptions): ChoriaNode => {
  const { identity, dialect } = options;
  const ca = new X509Certificate(options.ca);
  const base64 = (bytes: Buffer): string => {
    const text = bytes.toString('base64');
    return dialect === 'go' ? text : text.replace(/.{1,60}/g, '$&\n');
  };

  const handle = (payload: string, server: string, now: number): Handled => {
    const transport = objectOf(JSON.parse(payload), 'transport');
    must(transport['protocol'] === 'choria:transport:1', 'protocol of the transport');
    const headers = objectOf(transport['headers'], 'headers');
    const secure = objectOf(JSON.parse(bytesOf(transport['data'], 'data').toString()), 'secure request');
    must(secure['protocol'] === 'choria:secure:request:1', 'protocol of the secure request');
    const text = textOf(secure['message'], 'message of the secure request');
    const pem = textOf(secure['pubcert'], 'pubcert');
    const request = objectOf(JSON.parse(text), 'request');
    must(request['protocol'] === 'choria:request:1', 'protocol of the request');
    const envelope = objectOf(request['envelope'], 'envelope');
    for (const key of ENVELOPE) must(key in envelope, `the envelope lacks ${key}`);
    const requestId = textOf(envelope['requestid'], 'request id');
    must(requestId.length === 32, 'length of the request id');
    const caller = textOf(envelope['callerid'], 'callerid');
    checkCaller(caller, pem, ca, now);
    const signature = bytesOf(secure['signature'], 'signature');
    must(verify('RSA-SHA256', Buffer.from(text), createPublicKey(pem), signature), 'signature');

    const agent = textOf(envelope['agent'], 'agent');
    must(options.agents.includes(agent), `no agent ${agent}`);
    const federation =
      headers['federation'] === undefined ? undefined : objectOf(headers['federation'], 'federation');
    const hops = hopsOf(headers['seen-by']);
    const handled = {
      requestId,
      caller,
      agent,
      collective: textOf(envelope['collective'], 'collective'),
      headers,
      hops,
    };
    if (!fits(objectOf(envelope['filter'], 'filter'), options)) return { ...handled, reply: undefined };
    const [ttl, time, clock] = [Number(envelope['ttl']), Number(envelope['time']), Math.floor(now / 1000)];
    must(time > clock - ttl && time < clock + ttl, 'expired');

    const answer = toJson(
      {
        protocol: 'choria:reply:1',
        message: bodyFor(agent, textOf(request['message'], 'message'), now),
        envelope:
          dialect === 'ruby'
            ? { senderid: identity, requestid: requestId, agent, time: clock }
            : { requestid: requestId, senderid: identity, agent, time: clock },
      },
      dialect,
    );
    const hash = createHash('sha256').update(answer).digest('base64');
    const sealed = toJson({ protocol: 'choria:secure:reply:1', message: answer, hash }, dialect);
    const trail = hops && { 'seen-by': [...hops, [server, identity, server]] };
    // Ruby copies the header as it is; Go the fields that it knows.
    const copied = federation && { federation };
    return {
      ...handled,
      reply: {
        subject: textOf(headers['reply-to'], 'reply-to'),
        payload: toJson(
          {
            protocol: 'choria:transport:1',
            data: base64(Buffer.from(sealed)),
            headers: { mc_sender: identity, ...trail, ...copied },
          },
          dialect,
        ),
      },
    };
  };

  const bodyFor = (agent: string, message: string, now: number): string => {
    if (agent !== 'discovery') {
      const { action, agent: asked } = objectOf(JSON.parse(message), 'body');
      must(asked === agent, 'the agent of the body');
      return rpcReply(dialect, textOf(action, 'action'), now);
    }
    const ping = dialect === 'ruby' ? message : Buffer.from(message, 'base64').toString();
    must(ping === (dialect === 'ruby' ? '"ping"' : 'ping'), `discovery asks ${message}`);
    return dialect === 'ruby' ? '"pong"' : 'pong';
  };

  return { identity, handle };
};
