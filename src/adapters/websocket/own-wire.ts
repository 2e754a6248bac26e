import { formatJson, parseJson } from '../../codec/json.ts';
import { Rejection } from '../../envelope/rejection.ts';
import { isMap, type Value, type ValueMap } from '../../envelope/value.ts';
import { CALLER, CLOSE, FAULT, FROM, UNTIL } from '../../transport/websocket/places.ts';
import type { OwnWire } from '../kit/own-wire.ts';
import { isMethod, NOTIFICATIONS } from './wire/messages.ts';

const isOurs = (method: Value | undefined): boolean =>
  typeof method === 'string' && (isMethod(method) || Object.hasOwn(NOTIFICATIONS, method));

/** What of `params` is an agent's; the rest says whom it is for and what became of it. */
const AGENTS = new Set(['action', 'data', 'statuscode', 'statusmsg']);
const OWN = new Set([
  'id',
  'seq',
  'sender',
  'collective',
  'agent',
  'filter',
  'targets',
  'discover',
  'limit',
  'batch',
  'ttl',
  'credit',
  'n',
  'missed',
  'end',
  'stats',
  'unheard',
  'timeout',
]);

const documentIn = (body: Buffer): ValueMap => {
  const value = parseJson(body.toString());
  if (!isMap(value)) throw new Rejection('unsupported_body', 'it is JSON, but no object');
  return value;
};

const paramsOf = (document: ValueMap): ValueMap => {
  const params = document.get('params');
  return params !== undefined && isMap(params) ? params : new Map();
};

const textIn = (map: ValueMap, name: string): string => {
  const value = map.get(name);
  return typeof value === 'string' ? value : '';
};

/** How `mcbridge redact` and `mcbridge decode --config` read messages of a session. */
export const WIRE: OwnWire = {
  format: 'own',
  headers: new Set([CALLER, FROM, UNTIL, FAULT, CLOSE]),
  holds: (document) => document.get('jsonrpc') === '2.0' && isOurs(document.get('method')),
  check: (document) => {
    if (!isOurs(document.get('method'))) throw new Rejection('missing_field', 'it names no method');
  },
  redact: ({ headers, body }, fields) => {
    const document = documentIn(body);
    const params = paramsOf(document);
    const agents = new Map([...params].filter(([name]) => AGENTS.has(name)));
    const isReply = document.get('method') === 'rpc.reply';
    const requestId = textIn(params, 'id');
    const clean = new Map<string, Value>([
      ...[...params].filter(([name]) => OWN.has(name)),
      ...fields(agents, isReply ? `${requestId} ${textIn(params, 'sender')}` : undefined),
    ]);
    const kept = new Map([...document].filter(([name]) => ['jsonrpc', 'id', 'method'].includes(name)));
    const caller = headers[CALLER];
    return {
      requestId,
      ...(caller !== undefined && { callerId: caller }),
      body: Buffer.from(formatJson(kept.has('method') ? new Map([...kept, ['params', clean]]) : kept)),
    };
  },
};
