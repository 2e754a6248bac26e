import { createHash, randomBytes, sign } from 'node:crypto';

/**
 * Choria's protocol v1 as a client writes and reads it, made from the recorded messages and from go-choria's
 * structs, on purpose without any of the bridge's own code.
 *
 * `ruby` is Choria 0.19: base64 in lines of 60, JSON bodies, discovery `"ping"` and `"pong"` in quotes.
 * `go` is go-choria: base64 in one line, discovery `cGluZw==` and `pong`.
 */
export type Dialect = 'ruby' | 'go';

export type Json = Readonly<Record<string, unknown>>;

/** Choria's JSON form of a filter. */
export interface ChoriaFilter {
  readonly fact?: readonly { readonly fact: string; readonly value: string; readonly operator: string }[];
  readonly cf_class?: readonly string[];
  readonly agent?: readonly string[];
  readonly identity?: readonly string[];
  readonly compound?: readonly (readonly Json[])[];
  /** `mco`'s discovery adds it when it looks for an agent. */
  readonly collective?: string;
}

export interface RequestFields {
  readonly dialect: Dialect;
  readonly requestId: string;
  readonly sender: string;
  readonly callerid: string;
  readonly collective: string;
  readonly agent: string;
  readonly filter: ChoriaFilter;
  readonly ttl: number;
  /** Seconds since the epoch. */
  readonly time: number;
  /** The text in `message`. */
  readonly body: string;
}

export const newRequestId = (): string => randomBytes(16).toString('hex');

export const md5 = (text: string): string => createHash('md5').update(text).digest('hex');

const base64 = (bytes: string | Buffer, dialect: Dialect): string => {
  const text = Buffer.from(bytes).toString('base64');
  return dialect === 'go' ? text : text.replace(/.{1,60}/g, '$&\n');
};

/** encoding/json escapes what HTML would take for markup. */
const GO_ESCAPES = /[<>&\u2028\u2029]/g;
export const toJson = (value: unknown, dialect: Dialect): string => {
  const text = JSON.stringify(value);
  if (dialect === 'ruby') return text;
  return text.replace(GO_ESCAPES, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
};

export const discoveryBody = (dialect: Dialect): string => (dialect === 'ruby' ? '"ping"' : 'cGluZw==');

export const rpcBody = (
  dialect: Dialect,
  agent: string,
  action: string,
  callerid: string,
  data: Json,
): string =>
  dialect === 'ruby'
    ? toJson({ agent, action, caller: callerid, data: { process_results: true, ...data } }, 'ruby')
    : toJson({ agent, action, data }, 'go');

/** `choria:request:1`. */
export const requestLayer = (fields: RequestFields): Json => {
  const { requestId, sender, callerid, collective, agent, ttl, time } = fields;
  const filter = { fact: [], cf_class: [], agent: [], identity: [], compound: [], ...fields.filter };
  return {
    protocol: 'choria:request:1',
    message: fields.body,
    envelope:
      fields.dialect === 'ruby'
        ? { requestid: requestId, senderid: sender, callerid, filter, collective, agent, ttl, time }
        : { requestid: requestId, senderid: sender, callerid, collective, agent, ttl, time, filter },
  };
};

/** `choria:secure:request:1` around the text of a request; the signature is over its bytes. */
export const secureLayer = (
  dialect: Dialect,
  requestText: string,
  privateKey: string,
  certificate: string,
): Json => {
  const signature = base64(sign('RSA-SHA256', Buffer.from(requestText), privateKey), dialect);
  return {
    protocol: 'choria:secure:request:1',
    message: requestText,
    signature: dialect === 'ruby' ? signature.trimEnd() : signature,
    pubcert: dialect === 'ruby' ? certificate.trimEnd() : certificate,
  };
};

export interface TransportFields {
  readonly dialect: Dialect;
  readonly sender: string;
  readonly replyTo: string;
  readonly requestId: string;
  /** Of a federated request; without them there is no federation header. */
  readonly targets?: readonly string[];
  /** The server's URL: asks everyone to record the hops, and records the client's. */
  readonly trace?: string;
}

/** `choria:transport:1` around the text of a secure request. */
export const transportLayer = (secureText: string, fields: TransportFields): Json => {
  const { dialect, sender, replyTo, requestId, targets, trace } = fields;
  const hop = dialect === 'ruby' ? [sender, trace] : [trace, sender, trace];
  const seenBy = trace === undefined ? {} : { 'seen-by': [hop] };
  return {
    protocol: 'choria:transport:1',
    data: base64(secureText, dialect),
    headers:
      dialect === 'ruby'
        ? {
            ...(targets && { federation: { target: targets, req: requestId } }),
            mc_sender: sender,
            ...seenBy,
            'reply-to': replyTo,
          }
        : {
            'reply-to': replyTo,
            mc_sender: sender,
            ...seenBy,
            ...(targets && { federation: { req: requestId, target: targets } }),
          },
  };
};

/** A reply that a client of the dialect accepts, with all that is in it. */
export interface ChoriaReply {
  readonly sender: string;
  readonly requestId: string;
  readonly agent: string;
  /** Seconds since the epoch. */
  readonly time: number;
  readonly hops: readonly (readonly string[])[] | undefined;
  /** The text in `message`. */
  readonly body: string;
  /** The body, unless it is a pong. */
  readonly rpc: RpcReply | undefined;
  readonly layers: { readonly transport: Json; readonly secure: Json; readonly reply: Json };
}

export interface RpcReply {
  readonly statuscode: number;
  readonly statusmsg: string;
  readonly data: unknown;
}

export interface Expectation {
  readonly dialect: Dialect;
  /** Whether the request was federated; unless it was, the reply is as the node sent it. */
  readonly federated: boolean;
  readonly requestId: string;
  readonly agent: string;
  readonly trace: boolean;
}

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Reads a reply as strictly as it was recorded: every protocol name, key, encoding and tie to the request.
 * @throws Error with the first thing that is not as a client of the dialect has it
 */
export const parseReply = (payload: string, expected: Expectation): ChoriaReply => {
  const { dialect, federated } = expected;
  // Go's servers record their hop unasked, and of a request that is not federated they copy no other.
  const isGoTrail = dialect === 'go' && !federated;
  const must = (holds: boolean, what: string): void => {
    if (!holds) throw new Error(`not a reply as a ${dialect} client expects it: ${what}\n${payload}`);
  };
  const object = (
    value: unknown,
    what: string,
    keys: readonly string[],
    optional: readonly string[] = [],
  ) => {
    if (!isObject(value)) throw new Error(`${what} is no JSON object: ${JSON.stringify(value)}`);
    for (const key of keys) must(key in value, `${what} lacks ${key}`);
    for (const key of Object.keys(value))
      must(keys.includes(key) || optional.includes(key), `${what} has ${key}`);
    return value;
  };
  const text = (value: unknown, what: string): string => {
    must(typeof value === 'string' && value !== '', `${what} is no text`);
    return String(value);
  };
  const integer = (value: unknown, what: string): number => {
    must(Number.isSafeInteger(value), `${what} is no integer`);
    return Number(value);
  };

  const transport = object(JSON.parse(payload), 'transport', ['protocol', 'data', 'headers']);
  must(transport['protocol'] === 'choria:transport:1', 'protocol of the transport');
  const headers = object(
    transport['headers'],
    'headers',
    isGoTrail ? ['mc_sender', 'seen-by'] : ['mc_sender'],
    expected.trace ? ['seen-by'] : [],
  );
  const data = text(transport['data'], 'data');
  const secureText = Buffer.from(data, 'base64').toString();
  must(base64(secureText, dialect) === data, 'base64 of data');

  const secure = object(JSON.parse(secureText), 'secure reply', ['protocol', 'message', 'hash']);
  must(secure['protocol'] === 'choria:secure:reply:1', 'protocol of the secure reply');
  const message = text(secure['message'], 'message of the secure reply');
  must(secure['hash'] === createHash('sha256').update(message).digest('base64'), 'hash');

  const reply = object(JSON.parse(message), 'reply', ['protocol', 'message', 'envelope']);
  must(reply['protocol'] === 'choria:reply:1', 'protocol of the reply');
  const envelope = object(reply['envelope'], 'envelope', ['requestid', 'senderid', 'agent', 'time']);
  must(
    envelope['requestid'] === expected.requestId,
    `request id ${envelope['requestid']}, not ${expected.requestId}`,
  );
  must(envelope['agent'] === expected.agent, 'agent');
  const sender = text(envelope['senderid'], 'senderid');
  must(headers['mc_sender'] === sender, 'mc_sender is not senderid');

  const body = text(reply['message'], 'message of the reply');
  const isPong = body === (dialect === 'ruby' ? '"pong"' : 'pong');
  const hops = hopsOf(headers['seen-by'], must);
  if (isGoTrail) {
    const [from, node, to, ...more] = hops?.at(-1) ?? [];
    const isOwn = from !== undefined && from === to && node === sender && more.length === 0;
    must(isOwn, "the last hop is not the node's");
    must(hops?.length === 1, 'the trail was copied');
  } else if (expected.trace && isPong) checkRoute(hops ?? []);
  return {
    sender,
    requestId: expected.requestId,
    agent: expected.agent,
    time: integer(envelope['time'], 'time'),
    hops,
    body,
    rpc: isPong ? undefined : rpcOf(body),
    layers: { transport, secure, reply },
  };

  /**
   * What `mco federation trace` draws, which records a last hop itself: client, node, client; or client, broker, node, broker,
   * client, of which only these are taken for a federated route (its `extract_federation_brokers`).
   */
  function checkRoute(hops: readonly (readonly string[])[]): void {
    const route = hops.length + 1;
    must(route === 5 || (route === 3 && !federated), `Unexpected route size ${route} found`);
    const place = route === 5 ? 2 : 1;
    must(hops[place]?.length === 3 && hops[place]?.[1] === sender, `the hop ${place} is not the node's`);
    must(
      hops.every((hop, at) => at === place || hop[1] !== sender),
      "the node's hop is there twice",
    );
  }

  function rpcOf(json: string): RpcReply {
    must(expected.agent !== 'discovery', 'the answer to ping is no pong');
    const optional = dialect === 'go' ? ['action'] : [];
    const fields = object(JSON.parse(json), 'RPC reply', ['statuscode', 'statusmsg', 'data'], optional);
    const { statuscode, statusmsg } = fields;
    must(typeof statusmsg === 'string', 'statusmsg is no text');
    return {
      statuscode: integer(statuscode, 'statuscode'),
      statusmsg: String(statusmsg),
      data: fields['data'],
    };
  }
};

const hopsOf = (
  value: unknown,
  must: (holds: boolean, what: string) => void,
): readonly (readonly string[])[] | undefined => {
  if (value === undefined) return undefined;
  const hops: string[][] = [];
  must(Array.isArray(value), 'seen-by is no list');
  for (const hop of Array.isArray(value) ? value : []) {
    must(
      Array.isArray(hop) && hop.length >= 2 && hop.every((part) => typeof part === 'string' && part !== ''),
      'a hop is no list of texts',
    );
    hops.push(Array.isArray(hop) ? hop.map(String) : []);
  }
  return hops;
};
