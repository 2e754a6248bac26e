import { describe, expect, it } from 'vitest';
import { WIRE } from '../../../examples/http-egress/wire.js';
import { NO_SECRETS } from '../../support/no-secrets.ts';

const SECRET = 'hunter2';
const bodyOf = (document: object): Buffer => Buffer.from(JSON.stringify(document));
const redacted = (document: object) =>
  JSON.parse(
    WIRE.redact(
      { dir: 'in', headers: {}, body: bodyOf(document) },
      (fields) => fields,
      NO_SECRETS,
    ).body.toString(),
  );

describe('redact', () => {
  it('keeps of a reply what replies have, whatever else a server writes', () => {
    const reply = {
      protocol: 'mcbridge-http:reply:1',
      requestid: '1',
      senderid: 'n1',
      statuscode: 0,
      statusmsg: 'OK',
      data: { a: 1 },
    };
    const more = ['callerid', 'collective', 'agent', 'time', 'ttl', 'filter', 'nodes', 'action', 'other'];
    expect(redacted({ ...reply, ...Object.fromEntries(more.map((name) => [name, SECRET])) })).toEqual(reply);
  });

  it('has the sentence about a POST that failed treated as the one that whoever waits is told', () => {
    const message = {
      dir: 'in' as const,
      headers: { failed: 'far_side_failed', 'request-id': '7' },
      body: Buffer.from(`the server says ${SECRET}`),
    };
    const clean = WIRE.redact(
      message,
      (fields) => new Map([...fields].map(([name]) => [name, '***'])),
      NO_SECRETS,
    );
    expect([clean.requestId, clean.body.toString()]).toEqual(['7', '***']);
    expect(WIRE.redact(message, (fields) => fields, NO_SECRETS).body).toEqual(message.body);
  });
});
