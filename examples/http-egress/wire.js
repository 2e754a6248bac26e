// @ts-check
import {
  encodeFilter,
  formatJson,
  isIdentity,
  isMap,
  isRequestId,
  parseJson,
  Rejection,
} from 'mcbridge/adapter';

/** @import { IncomingMessage, ReadableRequest, RejectionCode, ReplyPayload, RequestPayload, Filter, OwnWire, Value, ValueMap } from 'mcbridge/adapter' */

/** What a request and each line of an answer say that they are. */
export const REQUEST = 'mcbridge-http:request:1';
export const REPLY = 'mcbridge-http:reply:1';

/** Headers of the messages that pass the link. */
export const REQUEST_ID = 'request-id';
export const FAILED = 'failed';

const DISCOVERY = 'discovery';

/**
 * @typedef {Pick<ReadableRequest, 'id' | 'collective' | 'agent' | 'caller' | 'time' | 'ttl'> & {
 *   readonly sender: string,
 *   readonly filter: Filter,
 *   readonly nodes: readonly string[] | undefined,
 *   readonly payload: RequestPayload,
 * }} Asked What is asked; `nodes` undefined: of all whom the filter matches.
 */

/** @param {Asked} asked @returns {Buffer} @throws Rejection for a value or a filter that JSON has no form for */
export const encodeRequest = ({ payload, nodes, ...it }) => {
  /** @type {[string, Value][]} */
  const rpc =
    payload.kind === 'discovery'
      ? []
      : [
          ['action', payload.action],
          ['data', payload.data],
          ...(payload.processResults === undefined
            ? []
            : [/** @type {[string, Value]} */ (['process_results', payload.processResults])]),
        ];
  // Choria's form, with compound filters as go-choria's expressions.
  const filter = parseJson(JSON.stringify(encodeFilter(it.filter, 'expr')));
  /** @type {[string, Value][]} */
  const fields = [
    ['protocol', REQUEST],
    ['requestid', it.id],
    ['senderid', it.sender],
    ['callerid', it.caller],
    ['collective', it.collective],
    ['agent', it.agent],
    ['time', Math.floor(it.time / 1000)],
    ['ttl', Math.ceil(it.ttl / 1000)],
    ['filter', filter],
    ...(nodes === undefined ? [] : [/** @type {[string, Value]} */ (['nodes', nodes])]),
    ...rpc,
  ];
  return Buffer.from(formatJson(new Map(fields)));
};

/** @param {Buffer} body @returns {ValueMap} @throws Rejection for what is no message */
export const documentIn = (body) => {
  const value = parseJson(body.toString());
  if (!isMap(value)) throw new Rejection('unsupported_body', 'it is JSON, but no object');
  return value;
};

/** @param {ValueMap} document @param {string} name @param {(text: string) => boolean} [accepts] */
const textIn = (document, name, accepts = () => true) => {
  const value = document.get(name);
  if (value === undefined) throw new Rejection('missing_field', `it has no ${name}`);
  if (typeof value !== 'string' || !accepts(value))
    throw new Rejection('invalid_field', `its ${name} is not what it should be`);
  return value;
};

/**
 * @typedef {object} Line One node's reply.
 * @property {string} requestId
 * @property {string} sender
 * @property {ReplyPayload} payload
 */

/** @param {ValueMap} document @returns {Line} @throws Rejection */
export const decodeReply = (document) => {
  if (document.get('protocol') !== REPLY)
    throw new Rejection('wrong_protocol', `its protocol is not ${REPLY}`);
  const requestId = textIn(document, 'requestid', isRequestId);
  const sender = textIn(document, 'senderid', isIdentity);
  const statusCode = document.get('statuscode');
  if (statusCode === undefined) return { requestId, sender, payload: { kind: DISCOVERY } };
  if (typeof statusCode !== 'number' || !Number.isSafeInteger(statusCode))
    throw new Rejection('invalid_field', 'its statuscode is not an integer', { requestId, sender });
  const statusMessage = textIn(document, 'statusmsg');
  return {
    requestId,
    sender,
    payload: { kind: 'rpc', statusCode, statusMessage, data: document.get('data') ?? new Map() },
  };
};

/** @type {ReadonlySet<string>} */
const FAILURES = new Set(['far_side_failed', 'not_permitted', 'too_large', 'limit_exceeded']);

/** What the link itself says of a POST that has failed. @param {IncomingMessage} message */
export const failureIn = ({ headers, body }) => {
  const code = headers[FAILED];
  if (code === undefined) return undefined;
  const known = /** @type {RejectionCode} */ (FAILURES.has(code) ? code : 'far_side_failed');
  return new Rejection(known, body.toString());
};

/** What `redact` keeps of a message, and what of it is an agent's: that, it may look into. */
const KEPT = {
  request: {
    own: new Set([
      'protocol',
      'requestid',
      'senderid',
      'callerid',
      'collective',
      'agent',
      'time',
      'ttl',
      'filter',
      'nodes',
    ]),
    agents: new Set(['action', 'data', 'process_results']),
  },
  // A server writes these, and might write anything under another name.
  reply: {
    own: new Set(['protocol', 'requestid', 'senderid']),
    agents: new Set(['statuscode', 'statusmsg', 'data']),
  },
};

/** How `mcbridge redact` and `mcbridge decode --config` read these messages. @type {OwnWire} */
export const WIRE = {
  format: 'own',
  headers: new Set([REQUEST_ID, FAILED]),
  holds: (document) => [REQUEST, REPLY].includes(String(document.get('protocol'))),
  check: (document) => {
    if (document.get('protocol') === REPLY) decodeReply(document);
    else for (const name of ['requestid', 'callerid', 'collective', 'agent']) textIn(document, name);
  },
  redact: ({ headers, body }, fields) => {
    // A sentence of the link's own. Whoever waits is told it as a `statusmsg`, so it is treated like one.
    if (headers[FAILED] !== undefined) {
      const sentence = fields(new Map([['statusmsg', body.toString()]])).get('statusmsg');
      return { requestId: headers[REQUEST_ID] ?? '', body: Buffer.from(String(sentence)) };
    }
    const document = documentIn(body);
    const requestId = textIn(document, 'requestid', isRequestId);
    const isReply = document.get('protocol') === REPLY;
    const { own, agents } = isReply ? KEPT.reply : KEPT.request;
    const rpc = new Map([...document].filter(([name]) => agents.has(name)));
    const clean = new Map([
      ...[...document].filter(([name]) => own.has(name)),
      ...fields(rpc, isReply ? `${requestId} ${textIn(document, 'senderid')}` : undefined),
    ]);
    const callerId = isReply ? {} : { callerId: textIn(document, 'callerid') };
    return { requestId, ...callerId, body: Buffer.from(formatJson(clean)) };
  },
};
