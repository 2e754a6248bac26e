import { randomUUID } from 'node:crypto';
import { formatString } from '../codec/json.ts';
import { isoTime } from '../envelope/time.ts';
import type { AuditEvent, Writer } from './event.ts';

/** An event as one line of JSON, without its place in a chain. */
export type Format = (event: AuditEvent, writer: Writer) => string;

/** Of a member that has JSON text already. */
const member = (name: string, json: string | undefined): string =>
  json === undefined ? '' : `,"${name}":${json}`;

const text = (value: string | undefined): string | undefined =>
  value === undefined ? undefined : formatString(value);

/** Go's `2006-01-02T15:04:05.000000-0700`, in UTC. */
const choriaTime = (ms: number): string => isoTime(ms).replace('Z', '000+0000');

/**
 * The line of Choria's audit (go-choria's `audit.Message`), so that what reads it goes on: its eight members stand first and
 * mean the same; all else is in a ninth, `mcbridge`.
 */
const choria: Format = ({ kind, time, asked, more }, { cluster, instance }) => {
  const { request_id: id, ...rest } = more;
  const requestId = asked?.requestId ?? (typeof id === 'string' ? id : undefined);
  const { requestTime } = asked ?? {};
  return [
    `{"timestamp":"${choriaTime(time)}"`,
    member('request_id', text(requestId)),
    member('request_time', requestTime === undefined ? undefined : String(Math.floor(requestTime / 1000))),
    member('caller', text(asked?.caller)),
    member('sender', text(asked?.sender)),
    member('agent', text(asked?.agent)),
    member('action', text(asked?.action)),
    member('data', asked?.data),
    member('mcbridge', JSON.stringify({ kind, cluster, instance, ...rest })),
    '}',
  ].join('');
};

/** CloudEvents 1.0 in its JSON format. */
const cloudevents: Format = ({ kind, time, asked, more }, { cluster, instance }) => {
  const subject = asked?.agent === undefined ? undefined : `${asked.agent}/${asked.action ?? 'discovery'}`;
  const own = JSON.stringify({
    kind,
    cluster,
    instance,
    ...(asked !== undefined && {
      request_id: asked.requestId,
      request_time: asked.requestTime === undefined ? undefined : isoTime(asked.requestTime),
      caller: asked.caller,
      sender: asked.sender,
      agent: asked.agent,
      action: asked.action,
    }),
    ...more,
  });
  const inputs = member('data', asked?.data);
  return [
    `{"specversion":"1.0","id":"${randomUUID()}"`,
    member('source', formatString(`/mcbridge/${cluster}/${instance}`)),
    member('type', `"io.mcbridge.audit.v1.${kind}"`),
    member('subject', text(subject)),
    member('time', `"${isoTime(time)}"`),
    ',"datacontenttype":"application/json"',
    member('data', `${own.slice(0, -1)}${inputs}}`),
    '}',
  ].join('');
};

export const FORMATS = { choria, cloudevents } as const satisfies Readonly<Record<string, Format>>;

export type FormatName = keyof typeof FORMATS;
