import { createHmac } from 'node:crypto';
import type { OwnWire } from '../../../src/adapters/kit/own-wire.ts';
import { formatJson, parseJson } from '../../../src/codec/json.ts';
import { Rejection } from '../../../src/envelope/rejection.ts';
import { isMap, type Value, type ValueMap } from '../../../src/envelope/value.ts';

/** JSON whose `mac` is an HMAC of all its other fields under a secret that both ends have. */
export const REQUEST = 'proved:request:1';
export const REPLY = 'proved:reply:1';

const AGENTS: ReadonlySet<string> = new Set(['action', 'data', 'statuscode', 'statusmsg']);

const macOf = (document: ValueMap, secret: string): string =>
  createHmac('sha256', secret).update(formatJson(document)).digest('hex');

export const prove = (document: ValueMap, secret: string): Buffer =>
  Buffer.from(formatJson(new Map([...document, ['mac', macOf(document, secret)]])));

const read = (body: Buffer): { readonly document: ValueMap; readonly mac: Value } => {
  const all = parseJson(body.toString());
  if (!isMap(all)) throw new Rejection('unsupported_body', 'it is JSON, but no object');
  const { mac = '', ...rest } = Object.fromEntries(all);
  return { document: new Map(Object.entries(rest)), mac };
};

/** @throws Rejection for a proof that does not fit */
export const verify = (body: Buffer, protocol: string, secret: string): ValueMap => {
  const { document, mac } = read(body);
  if (document.get('protocol') !== protocol) throw new Rejection('wrong_protocol', `it is no ${protocol}`);
  if (mac !== macOf(document, secret)) throw new Rejection('invalid_signature', 'its mac does not fit');
  return document;
};

export const textIn = (document: ValueMap, name: string): string => {
  const value = document.get(name);
  if (typeof value !== 'string') throw new Rejection('missing_field', `it has no ${name}`);
  return value;
};

export const numberIn = (document: ValueMap, name: string): number => {
  const value = document.get(name);
  if (typeof value !== 'number') throw new Rejection('missing_field', `it has no ${name}`);
  return value;
};

/** @param setting that names the file of the secret */
export const provedWire = (setting: string): OwnWire => ({
  format: 'own',
  headers: new Set(),
  holds: (document) => [REQUEST, REPLY].includes(String(document.get('protocol'))),
  check: (document) => void textIn(document, 'id'),
  redact: ({ body }, fields, secrets) => {
    const { document, mac } = read(body);
    const id = textIn(document, 'id');
    const isReply = document.get('protocol') === REPLY;
    const agents = new Map([...document].filter(([name]) => AGENTS.has(name)));
    const clean: ValueMap = new Map([
      ...[...document].filter(([name]) => !AGENTS.has(name)),
      ...fields(agents, isReply ? `${id} ${textIn(document, 'sender')}` : undefined),
    ]);
    const isProved = mac === macOf(document, secrets.recorded(setting));
    return {
      requestId: id,
      ...(!isReply && { callerId: textIn(document, 'caller') }),
      body: prove(clean, isProved ? secrets.standIn(setting) : 'that of nobody'),
    };
  },
});
