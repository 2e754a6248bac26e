import { RubyHash, RubyString, type RubyValue, symbol } from '../../../codec/ruby/value.ts';
import type { ReplyPayload, RequestPayload } from '../../../envelope/message.ts';
import { Rejection } from '../../../envelope/rejection.ts';
import { isMap, type Value } from '../../../envelope/value.ts';
import { rpcutilToRuby } from './rpcutil.ts';
import { fieldText } from './text.ts';
import { dataToRuby, fromRuby, mapFromRuby, toRuby } from './values.ts';

/** The discovery agent's question and answer. */
export const PING = 'ping';
export const PONG = 'pong';

export const PROCESS_RESULTS = 'process_results';

/** A field of an RPC hash: symbols from Ruby clients, strings from those that came through JSON. */
const field = (hash: RubyHash, name: string): RubyValue | undefined => hash.symbol(name) ?? hash.string(name);

/** @param caller the caller id that the outer message bears; daemons' audit logs show this one */
export const requestPayloadToRuby = (payload: RequestPayload, agent: string, caller: string): RubyValue => {
  if (payload.kind === 'discovery') return PING;
  const data = new Map(payload.data);
  // Daemons look for process_results in :data only, see rpc/request.rb.
  if (payload.processResults !== undefined && !data.has(PROCESS_RESULTS))
    data.set(PROCESS_RESULTS, payload.processResults);
  return new RubyHash([
    [symbol('agent'), agent],
    [symbol('action'), payload.action],
    [symbol('caller'), caller],
    [symbol('data'), dataToRuby(data)],
  ]);
};

export interface DecodedRequestPayload {
  readonly payload: RequestPayload;
  /** `:agent` and `:caller` of the signed payload; undefined for discovery, which has none. */
  readonly agent?: string;
  readonly caller?: string;
}

/** @throws Rejection `unsupported_body` or `missing_field` */
export const requestPayloadFromRuby = (value: RubyValue): DecodedRequestPayload => {
  if (fieldText(value) === PING) return { payload: { kind: 'discovery' } };
  if (!(value instanceof RubyHash))
    throw new Rejection('unsupported_body', 'the request is neither a discovery ping nor an RPC request');
  const action = fieldText(field(value, 'action'));
  const agent = fieldText(field(value, 'agent'));
  const caller = fieldText(field(value, 'caller'));
  if (action === undefined || agent === undefined)
    throw new Rejection('missing_field', 'the RPC request has no agent or no action');
  const data = field(value, 'data') ?? null;
  if (data !== null && !(data instanceof RubyHash))
    throw new Rejection('invalid_field', 'the data of the RPC request is not a hash');
  const processResults = field(value, PROCESS_RESULTS);
  return {
    payload: {
      kind: 'rpc',
      action,
      data: data === null ? new Map() : mapFromRuby(data),
      ...(typeof processResults === 'boolean' ? { processResults } : {}),
    },
    agent,
    ...(caller === undefined ? {} : { caller }),
  };
};

/** @param agent whose reply it is */
export const replyPayloadToRuby = (payload: ReplyPayload, agent: string): RubyValue =>
  payload.kind === 'discovery'
    ? PONG
    : new RubyHash([
        [symbol('statuscode'), payload.statusCode],
        [symbol('statusmsg'), payload.statusMessage],
        [symbol('data'), replyDataToRuby(payload.data, agent)],
      ]);

const replyDataToRuby = (data: Value, agent: string): RubyValue => {
  if (!isMap(data)) return toRuby(data);
  return agent === 'rpcutil' ? rpcutilToRuby(data) : dataToRuby(data);
};

/** The sentence for a person: exceptions quote binary output at times, and a damaged text says more than none. */
const statusText = (value: RubyValue | undefined): string =>
  fieldText(value) ?? (value instanceof RubyString ? value.bytes.toString('utf8') : '');

/** @throws Rejection `unsupported_body`, `missing_field` or what the value model refuses */
export const replyPayloadFromRuby = (value: RubyValue): ReplyPayload => {
  if (fieldText(value) === PONG) return { kind: 'discovery' };
  if (!(value instanceof RubyHash))
    throw new Rejection('unsupported_body', 'the reply is neither a discovery pong nor an RPC reply');
  const statusCode = field(value, 'statuscode');
  if (typeof statusCode !== 'number')
    throw new Rejection('missing_field', 'the RPC reply has no integer statuscode');
  return {
    kind: 'rpc',
    statusCode,
    statusMessage: statusText(field(value, 'statusmsg')),
    data: fromRuby(field(value, 'data') ?? null),
  };
};
