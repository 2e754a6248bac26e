import { formatJson } from '../../../codec/json.ts';
import type { Value } from '../../../envelope/value.ts';
import type { CallError } from './errors.ts';
import type { Notification, RequestId } from './messages.ts';

type Fields = Readonly<Record<string, Value | undefined>>;

/** Fields of a message; those that are undefined are left out. */
export const fields = (all: Fields): Value => {
  const map = new Map<string, Value>();
  for (const [name, value] of Object.entries(all)) if (value !== undefined) map.set(name, value);
  return map;
};

const message = (parts: Fields): string => formatJson(fields({ jsonrpc: '2.0', ...parts }));

export const writeResult = (id: RequestId, result: Value): string => message({ id, result });

export const writeError = (id: RequestId | undefined, error: CallError): string =>
  message({
    id: id ?? null,
    error: fields({ code: error.code, message: error.message, data: fields({ code: error.reason }) }),
  });

/** @throws Rejection `unsupported_value` */
export const writeNotification = (method: Notification, params: Fields): string =>
  message({ method, params: fields(params) });
