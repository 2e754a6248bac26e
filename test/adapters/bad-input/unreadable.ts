import { randomBytes } from 'node:crypto';
import type { RejectionCode } from '../../../src/envelope/rejection.ts';
import type { Deviation } from '../choria-client.ts';
import { authority } from '../world.ts';

const v2 = 'io.choria.protocol.v2';

interface Bad {
  readonly what: string;
  readonly code: RejectionCode;
}

/** Refused before it is known whom the answer is for: the counter and the log line are all. */
export const UNREADABLE: readonly (Bad & { readonly send: Deviation | string | Buffer })[] = [
  { what: 'no JSON', code: 'malformed_json', send: '{"protocol":' },
  { what: 'a JSON list', code: 'malformed_json', send: '[]' },
  { what: 'no UTF-8', code: 'malformed_json', send: Buffer.from([0x7b, 0xff, 0x7d]) },
  { what: 'random bytes', code: 'malformed_json', send: randomBytes(500) },
  { what: 'nothing', code: 'malformed_json', send: '' },
  { what: '10 MB', code: 'too_large', send: { body: 'x'.repeat(10 << 20) } },
  {
    what: 'a transport of another protocol',
    code: 'wrong_protocol',
    send: { transport: { protocol: `${v2}.transport` } },
  },
  { what: 'a transport of no protocol', code: 'missing_field', send: { transport: { protocol: undefined } } },
  { what: 'a transport without headers', code: 'missing_field', send: { transport: { headers: undefined } } },
  { what: 'data that is no base64', code: 'malformed_base64', send: { transport: { data: 'ä'.repeat(40) } } },
  { what: 'data that is no JSON', code: 'malformed_json', send: { transport: { data: 'AAAA' } } },
  {
    what: 'data of another protocol',
    code: 'wrong_protocol',
    send: { secure: { protocol: 'choria:secure:reply:1' } },
  },
  { what: 'data without a signature', code: 'missing_field', send: { secure: { signature: undefined } } },
  {
    what: 'a request of another protocol',
    code: 'wrong_protocol',
    send: { request: { protocol: `${v2}.request` } },
  },
  {
    what: 'a request without an envelope',
    code: 'missing_field',
    send: { request: { envelope: undefined } },
  },
];

/** Read, but there is no way home, or nothing to say there: the log tells whose request it was. */
export const UNANSWERED: readonly (Bad & { readonly send: Deviation })[] = [
  {
    what: 'a reply-to where the bridge awaits replies',
    code: 'invalid_reply_to',
    send: { headers: { 'reply-to': 'mcollective.reply.mcbridge.AQBrBR051A' } },
  },
  { what: 'no reply-to header', code: 'missing_field', send: { headers: { 'reply-to': undefined } } },
  {
    what: 'a reply-to that is no reply subject',
    code: 'invalid_reply_to',
    send: { headers: { 'reply-to': 'mcollective.node.x' } },
  },
  {
    what: 'a reply-to with wildcards',
    code: 'invalid_reply_to',
    send: { headers: { 'reply-to': 'mcollective.reply.>' } },
  },
  {
    what: 'a reply-to in a collective that is not exported',
    code: 'collective_not_exported',
    send: { headers: { 'reply-to': 'secret.reply.x.y' } },
  },
  {
    what: 'a reply-to of the broker itself',
    code: 'invalid_reply_to',
    send: { headers: { 'reply-to': '$SYS.REQ.SERVER.PING' } },
  },
  {
    what: 'a discovery that is no ping',
    code: 'unsupported_body',
    send: { agent: 'discovery', body: '"pang"' },
  },
  {
    what: 'a discovery by a caller whom no rule maps',
    code: 'no_mapping',
    send: {
      agent: 'discovery',
      envelope: { callerid: 'choria=guest.choria' },
      signer: authority.issue({ commonName: 'guest.choria', usages: ['client'] }),
    },
  },
];
