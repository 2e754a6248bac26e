import {
  decodeFilter,
  type Egress,
  type IncomingMessage,
  isMap,
  parseJson,
  type RequestPayload,
  type Value,
  type ValueMap,
} from 'mcbridge/adapter';
import { type Delivered, egressContract, MemoryBroker, NATS_RULES } from 'mcbridge/testing';
import { lineOf } from './server.ts';
import { makeEgress } from './world.ts';

const textIn = (document: ValueMap, name: string): string => String(document.get(name));
const isList = (value: Value | undefined): value is readonly Value[] => Array.isArray(value);

const payloadIn = (document: ValueMap): RequestPayload => {
  const data = document.get('data');
  return document.has('action')
    ? {
        kind: 'rpc',
        action: textIn(document, 'action'),
        data: data !== undefined && isMap(data) ? data : new Map(),
      }
    : { kind: 'discovery' };
};

/** A message as each of the nodes gets it that it names. */
const deliveredBy = (
  { replyTo = '', body }: IncomingMessage,
  send: (destination: string, body: Uint8Array) => void,
): readonly Delivered[] => {
  const document = parseJson(body.toString());
  if (!isMap(document)) throw new Error('the request is no object');
  const answerWith = (bytes: Uint8Array): void => send(replyTo, bytes);
  const line = (node: string, fields: object, of: Uint8Array = body): void =>
    answerWith(Buffer.from(lineOf({ body: Buffer.from(of) }, node, { ...fields })));
  const nodes = document.get('nodes');
  return (isList(nodes) ? nodes.map(String) : [undefined]).map((node) => ({
    node,
    request: {
      id: textIn(document, 'requestid'),
      agent: textIn(document, 'agent'),
      caller: textIn(document, 'callerid'),
      collective: textIn(document, 'collective'),
      ttl: Number(document.get('ttl')),
      time: Number(document.get('time')),
      filter: decodeFilter(JSON.parse(body.toString()).filter),
      payload: payloadIn(document),
    },
    answer: async (from, payload) =>
      line(
        from,
        payload.kind === 'discovery'
          ? {}
          : {
              statuscode: payload.statusCode,
              statusmsg: payload.statusMessage,
              data: payload.data instanceof Map ? Object.fromEntries(payload.data) : payload.data,
            },
      ),
    // All the proof that a line has is the id of the request that it came with the answer to.
    answerFalsely: async (from) =>
      line(from, { statuscode: 0, statusmsg: 'OK' }, Buffer.from('{"requestid":"another"}')),
    answerWith,
  }));
};

egressContract('http', async () => {
  const broker = new MemoryBroker(NATS_RULES);
  const link = broker.link();
  const messages: IncomingMessage[] = [];
  await link.subscribe({
    destination: 'mcbridge.request.>',
    onMessage: (message) => void messages.push(message),
  });
  const send = (destination: string, body: Uint8Array): void =>
    link.send({ destination, body, expires: Number.POSITIVE_INFINITY });
  const now = Date.now();
  const make = (): Egress => makeEgress(broker.link(), { clock: () => now, callers: [/^cert=alice$/] });
  return {
    egress: make(),
    another: make,
    impostor: 'requestid_mismatch',
    unknownCaller: 'cert=bob',
    now: Math.floor(now / 1000),
    delivered: () => messages.flatMap((message) => deliveredBy(message, send)),
  };
});
