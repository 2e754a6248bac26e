import {
  createHash,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomInt,
  sign,
  verify,
} from 'node:crypto';
import { type Json, toJson } from './choria-messages.ts';
import {
  bytesOf,
  type ChoriaNode,
  fits,
  hopsOf,
  must,
  objectOf,
  Refused,
  rpcReply,
  textOf,
} from './choria-node.ts';

/** An Ed25519 pair, as Choria's protocol 2 knows it: the public half in hex. */
export interface V2Key {
  readonly key: KeyObject;
  readonly hex: string;
}

export const makeV2Key = (): V2Key => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const { x = '' } = publicKey.export({ format: 'jwk' });
  return { key: privateKey, hex: Buffer.from(x, 'base64url').toString('hex') };
};

const publicKeyOf = (hex: string): KeyObject =>
  createPublicKey({
    key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(hex, 'hex').toString('base64url') },
    format: 'jwk',
  });

const part = (value: Json): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A client's token: what its issuer says of it. */
export const makeV2Token = (issuer: V2Key, client: V2Key, callerid: string, now: number): string => {
  const claims = {
    purpose: 'choria_client_id',
    callerid,
    public_key: client.hex,
    permissions: { fleet_management: true },
    iat: Math.floor(now / 1000),
    exp: Math.floor(now / 1000) + 3600,
  };
  const text = `${part({ alg: 'EdDSA', typ: 'JWT' })}.${part(claims)}`;
  return `${text}.${sign(null, Buffer.from(text), issuer.key).toString('base64url')}`;
};

/** Nanoseconds do not fit a JSON number of this language; the literal goes in by hand. */
const nanoseconds = (now: number): string => `${now}000000`;

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const ksuid = (): string => Array.from({ length: 27 }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');

export interface V2Caller {
  readonly callerid: string;
  readonly key: V2Key;
  readonly token: string;
}

export interface V2Request {
  readonly requestId: string;
  readonly replyTo: string;
  /** The `data` of the transport, which no broker may change. */
  readonly data: string;
  readonly payload: string;
}

/** A federated request of protocol 2, from go-choria's protocol/v2 structs; there are no recorded ones. */
export const makeV2Request = (
  caller: V2Caller,
  options: {
    readonly collective: string;
    readonly agent: string;
    readonly body: string;
    readonly targets: readonly string[];
    readonly now: number;
    /** The server's URL: asks everyone to record the hops. */
    readonly trace?: string;
    readonly headers?: Json;
  },
): V2Request => {
  const { callerid, key, token } = caller;
  const { collective, agent, now, trace } = options;
  const requestId = ksuid();
  const sender = 'client.example.net';
  const filter = { fact: [], cf_class: [], agent: [], identity: [], compound: [] };
  const request = toJson(
    {
      protocol: 'io.choria.protocol.v2.request',
      message: Buffer.from(options.body).toString('base64'),
      id: requestId,
      sender,
      caller: callerid,
      collective,
      agent,
      ttl: 60,
      time: 0,
      filter,
    },
    'go',
  ).replace('"time":0', `"time":${nanoseconds(now)}`);
  const secure = toJson(
    {
      protocol: 'io.choria.protocol.v2.secure_request',
      request: Buffer.from(request).toString('base64'),
      signature: sign(null, Buffer.from(request), key.key).toString('base64'),
      caller: token,
    },
    'go',
  );
  const data = Buffer.from(secure).toString('base64');
  const replyTo = `${collective}.reply.${createHash('md5').update(callerid).digest('hex')}.${requestId}`;
  const payload = toJson(
    {
      protocol: 'io.choria.protocol.v2.transport',
      data,
      headers: {
        reply: replyTo,
        sender,
        ...(trace === undefined ? {} : { trace: [[trace, sender, trace]] }),
        federation: { request: requestId, targets: options.targets },
        ...options.headers,
      },
    },
    'go',
  );
  return { requestId, replyTo, data, payload };
};

export interface V2Reply {
  readonly sender: string;
  readonly body: string;
  readonly headers: Json;
}

/** Reads a reply as strictly as go-choria's client. @throws Refused */
export const parseV2Reply = (payload: string, requestId: string): V2Reply => {
  const transport = objectOf(JSON.parse(payload), 'transport');
  must(transport['protocol'] === 'io.choria.protocol.v2.transport', 'protocol of the transport');
  const headers = objectOf(transport['headers'], 'headers');
  must(headers['federation'] === undefined, 'a reply to a client is not federated any more');
  const secure = objectOf(JSON.parse(bytesOf(transport['data'], 'data').toString()), 'secure reply');
  must(secure['protocol'] === 'io.choria.protocol.v2.secure_reply', 'protocol of the secure reply');
  const bytes = bytesOf(secure['reply'], 'reply');
  must(bytesOf(secure['hash'], 'hash').equals(createHash('sha256').update(bytes).digest()), 'hash');
  const reply = objectOf(JSON.parse(bytes.toString()), 'reply');
  must(reply['protocol'] === 'io.choria.protocol.v2.reply', 'protocol of the reply');
  must(reply['request'] === requestId, 'request id');
  must(reply['sender'] === headers['sender'], 'sender');
  return {
    sender: textOf(reply['sender'], 'sender'),
    body: bytesOf(reply['message'], 'message').toString(),
    headers,
  };
};

/** A node of protocol 2, which refuses protocol 1, as real ones do: they speak exactly one. */
export const createV2Node = ({
  identity,
  issuer,
  agents,
}: {
  readonly identity: string;
  readonly issuer: V2Key;
  readonly agents: readonly string[];
}): ChoriaNode => {
  const claimsOf = (token: string, now: number): Json => {
    const [head = '', body = '', signature = ''] = token.split('.');
    const issuedBy = publicKeyOf(issuer.hex);
    const good = verify(null, Buffer.from(`${head}.${body}`), issuedBy, Buffer.from(signature, 'base64url'));
    must(good, 'the token is not by the issuer');
    const claims = objectOf(JSON.parse(Buffer.from(body, 'base64url').toString()), 'claims');
    must(Number(claims['exp']) * 1000 > now, 'the token has expired');
    must(objectOf(claims['permissions'], 'permissions')['fleet_management'] === true, 'no fleet management');
    return claims;
  };

  const handle: ChoriaNode['handle'] = (payload, server, now) => {
    const transport = objectOf(JSON.parse(payload), 'transport');
    must(transport['protocol'] === 'io.choria.protocol.v2.transport', 'protocol of the transport');
    const headers = objectOf(transport['headers'], 'headers');
    const secure = objectOf(JSON.parse(bytesOf(transport['data'], 'data').toString()), 'secure request');
    must(secure['protocol'] === 'io.choria.protocol.v2.secure_request', 'protocol of the secure request');
    const bytes = bytesOf(secure['request'], 'request');
    const claims = claimsOf(textOf(secure['caller'], 'caller'), now);
    const key = publicKeyOf(textOf(claims['public_key'], 'public key'));
    must(verify(null, bytes, key, bytesOf(secure['signature'], 'signature')), 'signature');
    const request = objectOf(JSON.parse(bytes.toString()), 'request');
    must(request['protocol'] === 'io.choria.protocol.v2.request', 'protocol of the request');
    const caller = textOf(request['caller'], 'caller');
    must(caller === claims['callerid'], 'the caller is not the token’s');
    const [time, ttl] = [Number(request['time']) / 1e6, Number(request['ttl']) * 1000];
    must(time > now - ttl && time < now + ttl, 'expired');
    const [requestId, agent] = [textOf(request['id'], 'id'), textOf(request['agent'], 'agent')];
    must(agents.includes(agent), `no agent ${agent}`);
    const hops = hopsOf(headers['trace']);
    const handled = {
      requestId,
      caller,
      agent,
      collective: textOf(request['collective'], 'collective'),
      headers,
      hops,
    };
    if (!fits(objectOf(request['filter'], 'filter'), { identity, agents }))
      return { ...handled, reply: undefined };

    const asked = bytesOf(request['message'], 'message').toString();
    const reply = toJson(
      {
        protocol: 'io.choria.protocol.v2.reply',
        message: Buffer.from(bodyFor(agent, asked, now)).toString('base64'),
        request: requestId,
        sender: identity,
        agent,
        time: 0,
      },
      'go',
    ).replace('"time":0', `"time":${nanoseconds(now)}`);
    const secureText = toJson(
      {
        protocol: 'io.choria.protocol.v2.secure_reply',
        reply: Buffer.from(reply).toString('base64'),
        hash: createHash('sha256').update(reply).digest('base64'),
      },
      'go',
    );
    const federation = headers['federation'];
    const answer = {
      protocol: 'io.choria.protocol.v2.transport',
      data: Buffer.from(secureText).toString('base64'),
      headers: {
        sender: identity,
        ...(hops && { trace: [...hops, [server, identity, server]] }),
        ...(federation === undefined ? {} : { federation }),
      },
    };
    return {
      ...handled,
      reply: { subject: textOf(headers['reply'], 'reply'), payload: toJson(answer, 'go') },
    };
  };

  const bodyFor = (agent: string, message: string, now: number): string => {
    if (agent === 'discovery') {
      if (!Buffer.from(message, 'base64').toString().includes('ping')) throw new Refused('no ping');
      return 'pong';
    }
    return rpcReply('go', textOf(objectOf(JSON.parse(message), 'body')['action'], 'action'), now);
  };

  return { identity, handle };
};
