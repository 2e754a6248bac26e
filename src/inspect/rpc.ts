import type { ValueMap } from '../envelope/value.ts';
import { fieldsOf } from './fields.ts';
import { type Field, type Format, type Layer, layerOf, type Problem } from './tree.ts';

/** SimpleRPC's status codes in words. */
const STATUS: readonly string[] = [
  'ok',
  'aborted',
  'unknown action',
  'missing data',
  'invalid data',
  'unknown error',
];

const withStatus = (field: Field): Field => {
  const { name, value } = field;
  const text = name === 'statuscode' && typeof value === 'number' ? STATUS[value] : undefined;
  return text === undefined ? field : { ...field, text: `${value}, ${text}` };
};

/** What an agent is asked or answers; both protocols have the same hash, in JSON or as a Ruby value. */
export const rpcKind = (map: ValueMap): 'rpc-request' | 'rpc-reply' | undefined => {
  if (map.has('statuscode')) return 'rpc-reply';
  return map.has('action') ? 'rpc-request' : undefined;
};

export const rpcLayer = (
  kind: 'rpc-request' | 'rpc-reply',
  map: ValueMap,
  more: {
    readonly format: Format;
    readonly bytes?: number;
    readonly problems?: readonly Problem[];
  },
): Layer => layerOf(kind, { ...more, fields: fieldsOf(map).map(withStatus) });
