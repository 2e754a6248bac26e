import { tryDecodeBase64 } from '../../../codec/base64.ts';
import {
  DEFAULT_JSON_LIMITS,
  formatJson,
  formatString,
  type JsonLimits,
  parseJson,
} from '../../../codec/json.ts';
import type { ReplyPayload, RequestPayload } from '../../../envelope/message.ts';
import { Rejection } from '../../../envelope/rejection.ts';
import { isMap, type Value, type ValueMap } from '../../../envelope/value.ts';
import type { Dialect } from './dialect.ts';
import { isObject, utf8 } from './fields.ts';
import { checkShape } from './shape.ts';

/** What the signed request around a body says; a body may repeat it, but not contradict it. */
export interface BodyContext {
  readonly agent: string;
  readonly callerId: string;
}

/** What is known besides of a request that came in. */
export interface ReceivedContext extends BodyContext {
  /**
   * Whether a privileged certificate spoke for the caller: an AAA server writes the caller of its user's token over that of
   * the envelope and leaves the body as it is, with the name that the client has for itself. Nodes read the envelope's.
   */
  readonly vouched?: boolean;
}

export interface DecodedBody {
  readonly payload: RequestPayload;
  /** Whose habit the body shows; undefined where both would have written it so. */
  readonly dialect: Dialect | undefined;
}

const DISCOVERY = 'discovery';
/** Go's `SetBase64Payload` of `ping`. */
const GO_PING = 'cGluZw==';
const OBJECT = /^\s*\{/;

const decodePing = (message: string): DecodedBody => {
  const payload = { kind: 'discovery' } as const;
  if (message === '"ping"') return { payload, dialect: 'ruby' };
  // A bare `ping` is valid base64 of something else, so it must be looked for before decoding.
  if (message === 'ping' || message === GO_PING) return { payload, dialect: 'go' };
  const decoded = tryDecodeBase64(message)?.toString();
  if (decoded === 'ping' || decoded === '"ping"') return { payload, dialect: 'go' };
  throw new Rejection('unsupported_body', 'the body of a discovery request is not a ping');
};

/** The RPC hash's text: as it is, or in base64 as Go's `SetBase64Payload` would have it. */
const rpcText = (message: string): { readonly text: string; readonly encoded: boolean } => {
  if (OBJECT.test(message)) return { text: message, encoded: false };
  const bytes = tryDecodeBase64(message);
  if (bytes === undefined || bytes.length === 0)
    throw new Rejection('unsupported_body', "the request's body is neither an RPC hash nor base64 of one");
  return { text: utf8(bytes, "the request's body"), encoded: true };
};

const hash = (text: string, what: string, limits: JsonLimits): ValueMap => {
  const value = parseJson(text, limits);
  if (!isMap(value)) throw new Rejection('unsupported_body', `${what} is not an RPC hash`);
  return value;
};

/** Go writes data that it has none of as the string `{}`. */
const isNoData = (data: Value | undefined): boolean => data === undefined || data === null || data === '{}';

const rpcData = (body: ValueMap): ValueMap => {
  const data = body.get('data');
  if (data === undefined || isNoData(data)) return new Map();
  if (!isMap(data)) throw new Rejection('unsupported_body', "the data of the request's body is not a hash");
  return data;
};

/** The action that a refused request asks for, for the answer; undefined where it names none. @param json its text */
export const actionIn = (json: string): string | undefined => {
  try {
    checkShape(json, 'the request');
    const request: unknown = JSON.parse(json);
    const message = isObject(request) ? request['message'] : undefined;
    if (typeof message !== 'string') return undefined;
    const { text } = rpcText(message);
    checkShape(text, 'the body');
    const body: unknown = JSON.parse(text);
    const action = isObject(body) ? body['action'] : undefined;
    return typeof action === 'string' ? action : undefined;
  } catch {
    return undefined;
  }
};

const rpcPayload = (body: ValueMap, context: ReceivedContext): RequestPayload => {
  const agent = body.get('agent');
  if (agent !== undefined && agent !== context.agent)
    throw new Rejection('agent_mismatch', `the request is for agent ${context.agent}, its body for another`);
  const caller = body.get('caller');
  if (caller !== undefined && caller !== context.callerId && context.vouched !== true)
    throw new Rejection(
      'caller_mismatch',
      `the request is by ${context.callerId}, its body by another caller`,
    );
  const action = body.get('action');
  if (action === undefined) throw new Rejection('missing_field', "the request's body names no action");
  if (typeof action !== 'string' || action === '')
    throw new Rejection('invalid_field', "the action in the request's body is not a name");
  const processResults = body.get('process_results');
  if (processResults !== undefined && typeof processResults !== 'boolean')
    throw new Rejection('invalid_field', "the process_results in the request's body is not a boolean");
  return {
    kind: 'rpc',
    action,
    data: rpcData(body),
    ...(processResults !== undefined && { processResults }),
  };
};

/**
 * @param message the `message` of a request
 * @throws Rejection `unsupported_body`, `malformed_json`, `limit_exceeded`, `missing_field`, `invalid_field`, `agent_mismatch`,
 *   `caller_mismatch`
 */
export const decodeRequestBody = (
  message: string,
  context: ReceivedContext,
  limits: JsonLimits = DEFAULT_JSON_LIMITS,
): DecodedBody => {
  if (context.agent === DISCOVERY) return decodePing(message);
  const { text, encoded } = rpcText(message);
  const body = hash(text, "the request's body", limits);
  const payload = rpcPayload(body, context);
  return { payload, dialect: encoded ? 'go' : body.has('caller') ? 'ruby' : undefined };
};

export const encodeRequestBody = (
  payload: RequestPayload,
  context: BodyContext,
  dialect: Dialect,
): string => {
  if (payload.kind === 'discovery') return dialect === 'ruby' ? '"ping"' : GO_PING;
  const { action, data, processResults } = payload;
  const caller = dialect === 'ruby' ? `"caller":${formatString(context.callerId)},` : '';
  const process = processResults === undefined ? '' : `,"process_results":${processResults}`;
  return (
    `{"agent":${formatString(context.agent)},"action":${formatString(action)},` +
    `${caller}"data":${formatJson(data)}${process}}`
  );
};

/**
 * @param action what was asked for, which Go's servers repeat in front and Ruby's do not
 * @throws Rejection `unsupported_value`
 */
export const encodeReplyBody = (payload: ReplyPayload, dialect: Dialect, action?: string): string => {
  if (payload.kind === 'discovery') return dialect === 'ruby' ? '"pong"' : 'pong';
  const { statusCode, statusMessage, data } = payload;
  const named = action === undefined ? '' : `"action":${formatString(action)},`;
  return `{${named}"statuscode":${statusCode},"statusmsg":${formatString(statusMessage)},"data":${formatJson(data)}}`;
};

/**
 * @param message the `message` of a reply
 * @throws Rejection `unsupported_body`, `malformed_json`, `limit_exceeded`, `missing_field`, `invalid_field`
 */
export const decodeReplyBody = (
  message: string,
  agent: string,
  limits: JsonLimits = DEFAULT_JSON_LIMITS,
): ReplyPayload => {
  if (agent === DISCOVERY) {
    if (message === 'pong' || message === '"pong"') return { kind: 'discovery' };
    throw new Rejection('unsupported_body', 'the body of a discovery reply is not a pong');
  }
  const body = hash(message, "the reply's body", limits);
  const statusCode = body.get('statuscode');
  const statusMessage = body.get('statusmsg');
  if (statusCode === undefined || statusMessage === undefined)
    throw new Rejection('missing_field', "the reply's body has no statuscode or no statusmsg");
  if (typeof statusCode !== 'number' || !Number.isSafeInteger(statusCode))
    throw new Rejection('invalid_field', "the statuscode in the reply's body is not an integer");
  if (typeof statusMessage !== 'string')
    throw new Rejection('invalid_field', "the statusmsg in the reply's body is not a string");
  const data = body.get('data');
  return {
    kind: 'rpc',
    statusCode,
    statusMessage,
    data: data === undefined || data === '{}' ? new Map() : data,
  };
};
