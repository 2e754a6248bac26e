import { createPrivateKey, createSign, randomBytes } from 'node:crypto';
import {
  type Dialect,
  decodeReply,
  decodeSecureReply,
  federationSubject,
  parseJson,
  replySubject,
  verifyHash,
} from '../../src/adapters/choria/wire/index.ts';
import { isMap, type Value } from '../../src/envelope/value.ts';
import type { Question } from '../../src/testing/ingress-stage.ts';
import { openTransport } from '../support/choria-transport.ts';
import type { Identity } from '../support/pki.ts';
import { type Brokers, CLUSTER, COLLECTIVE } from './brokers.ts';

type Json = Readonly<Record<string, unknown>>;

/** How a message differs from a good one, layer by layer; `undefined` leaves a field out. */
export interface Deviation {
  readonly dialect?: Dialect;
  readonly agent?: string;
  /** Node names; all listen unless given. */
  readonly nodes?: readonly string[];
  /** The agent's body. */
  readonly body?: string;
  readonly envelope?: Json;
  readonly request?: Json;
  readonly signer?: Pick<Identity, 'privateKey' | 'chain'>;
  readonly secure?: Json;
  readonly headers?: Json;
  readonly federation?: Json;
  readonly transport?: Json;
  /** Where it is published, in place of the federation's subject. */
  readonly subjects?: readonly string[];
}

/** How a request differs from a good one by what is asked. @param now ms since the epoch */
export const deviationOf = (
  { agent, action, nodes, ttl, age, collective, data }: Question,
  dialect: Dialect,
  now: number,
): Deviation => ({
  dialect,
  agent,
  ...(nodes === undefined ? {} : { nodes }),
  ...(action === undefined
    ? {}
    : { body: JSON.stringify({ agent, action, data: Object.fromEntries(data ?? []) }) }),
  envelope: {
    ...(ttl === undefined ? {} : { ttl }),
    ...(age === undefined ? {} : { time: Math.floor(now / 1000) - age }),
    ...(collective === undefined ? {} : { collective }),
  },
});

export interface ClientReply {
  readonly requestId: string;
  readonly node: string;
  readonly sender: string | undefined;
  readonly agent: string;
  readonly message: string;
  /** Undefined for discovery. */
  readonly status: Value | undefined;
  readonly statusMessage: Value | undefined;
  readonly data: Value | undefined;
  /** Whether its base64 has line feeds, as Ruby writes it. */
  readonly wrapped: boolean;
  readonly trail: readonly (readonly string[])[] | undefined;
}

export interface ChoriaClient {
  /** Everything that came back, in order. */
  readonly replies: readonly ClientReply[];
  /** @returns the request id */
  send(deviation?: Deviation): string;
  publish(payload: Uint8Array | string, subject?: string): void;
}

const wrap = (base64: string): string => base64.replace(/.{1,60}/g, '$&\n');

const FILTER = { fact: [], cf_class: [], agent: [], identity: [], compound: [] };

/** A client, federated unless told, made of nothing but JSON, so that it can say anything at any layer. */
export const createChoriaClient = async (brokers: Brokers, caller: Identity): Promise<ChoriaClient> => {
  const link = brokers.nats.link();
  const replies: ClientReply[] = [];
  await link.subscribe({
    destination: '*.reply.>',
    onMessage: ({ body }) => void replies.push(readReply(body)),
  });
  const publish = (payload: Uint8Array | string, subject = federationSubject(CLUSTER)): void =>
    link.send({
      destination: subject,
      body: Buffer.from(payload),
      expires: Number.POSITIVE_INFINITY,
    });

  const send = (deviation: Deviation = {}): string => {
    const { agent = 'rpcutil', dialect = 'ruby', nodes, signer = caller } = deviation;
    const callerId = 'choria=alice.mcollective';
    const requestId = randomBytes(16).toString('hex');
    const request = JSON.stringify({
      protocol: 'choria:request:1',
      message: deviation.body ?? goodBody(agent, callerId, dialect),
      envelope: {
        requestid: requestId,
        senderid: 'alice.mcollective',
        callerid: callerId,
        filter: FILTER,
        collective: COLLECTIVE,
        agent,
        ttl: 60,
        time: Math.floor(brokers.clock.now / 1000),
        ...deviation.envelope,
      },
      ...deviation.request,
    });
    const style = dialect === 'ruby' ? wrap : (text: string): string => text;
    const signature = createSign('sha256').update(request).sign(createPrivateKey(signer.privateKey));
    const secure = JSON.stringify({
      protocol: 'choria:secure:request:1',
      message: request,
      signature: style(signature.toString('base64')),
      pubcert: signer.chain,
      ...deviation.secure,
    });
    const payload = JSON.stringify({
      protocol: 'choria:transport:1',
      data: style(Buffer.from(secure).toString('base64')),
      headers: {
        'reply-to': replySubject(COLLECTIVE, callerId, requestId),
        mc_sender: 'alice.mcollective',
        federation: {
          req: requestId,
          target: nodes?.map((node) => `${COLLECTIVE}.node.${node}`) ?? [
            `${COLLECTIVE}.broadcast.agent.${agent}`,
          ],
          ...deviation.federation,
        },
        ...deviation.headers,
      },
      ...deviation.transport,
    });
    for (const subject of deviation.subjects ?? [federationSubject(CLUSTER)]) publish(payload, subject);
    return requestId;
  };
  return { replies, send, publish };
};

const goodBody = (agent: string, caller: string, dialect: Dialect): string => {
  if (agent === 'discovery') return dialect === 'ruby' ? '"ping"' : 'cGluZw==';
  const body = { agent, action: 'ping', data: {} };
  return JSON.stringify(dialect === 'ruby' ? { ...body, caller } : body);
};

const readReply = (payload: Buffer): ClientReply => {
  const { data, sender, hops, wrapped } = openTransport(payload);
  const secure = decodeSecureReply(data);
  verifyHash(secure);
  const { requestId, senderId, agent, message } = decodeReply(secure.message);
  const body = message.startsWith('{') ? parseJson(message) : null;
  const field = (name: string): Value | undefined => (isMap(body) ? body.get(name) : undefined);
  return {
    requestId,
    node: senderId,
    sender,
    agent,
    message,
    status: field('statuscode'),
    statusMessage: field('statusmsg'),
    data: field('data'),
    wrapped,
    trail: hops,
  };
};
