import { describe, expect, it } from 'vitest';
import {
  base64Style,
  createCallerVerifier,
  DEFAULT_ALLOW,
  DEFAULT_PRIVILEGED,
  decodeReply,
  decodeReplyBody,
  decodeRequest,
  decodeRequestBody,
  decodeSecureReply,
  decodeSecureRequest,
  decodeTransport,
  detectDialect,
  encodeReply,
  encodeReplyBody,
  encodeRequest,
  encodeRequestBody,
  encodeSecureReply,
  encodeSecureRequest,
  parseReplySubject,
  readTargets,
  verifyHash,
} from '../../../../src/adapters/choria/wire/index.ts';
import { openTransport, transportOf } from '../../../support/choria-transport.ts';
import { type Captured, capture, captureKey, object, refused } from './support.ts';

const LIMITS = { maxBytes: 1_000_000 };
const isStats = ({ subject }: Captured): boolean => subject.endsWith('.stats');
const all = ['choria-v1.ndjson', 'choria-v1-federated.ndjson'].flatMap(capture);
const messages = all
  .filter((captured) => !isStats(captured))
  .map((captured) => {
    const transport = openTransport(captured.payload);
    return { captured, transport, secure: object(transport.data.toString()) };
  });
const ofKind = (protocol: string) => messages.filter(({ secure }) => secure['protocol'] === protocol);
const requests = ofKind('choria:secure:request:1');
const replies = ofKind('choria:secure:reply:1');

const verifier = createCallerVerifier({
  ca: captureKey('ca.pem'),
  allow: DEFAULT_ALLOW,
  privileged: DEFAULT_PRIVILEGED,
});

const rewritten = (
  { wrapped, data: _data, content: _content, ...headers }: ReturnType<typeof openTransport>,
  secure: string,
): string => transportOf(secure, headers, base64Style(wrapped ? 'ruby' : 'go'));

const layer = (text: unknown): unknown => JSON.parse(String(text));

describe('messages that Ruby peers exchanged', () => {
  it('are all there', () => {
    expect(requests.length).toBe(33);
    expect(replies.length).toBe(49);
    expect(all.length).toBe(requests.length + replies.length + all.filter(isStats).length);
  });

  it.each(requests)('request $captured.at to $captured.subject', ({ captured, transport, secure }) => {
    const signed = decodeSecureRequest(transport.data);
    const request = decodeRequest(signed.message);
    const caller = verifier.verify(signed, request.callerId, captured.at);
    expect(caller).toEqual({
      name: 'alice.mcollective',
      privileged: false,
      certificate: 'alice.mcollective',
    });

    const { payload, dialect } = decodeRequestBody(request.message, request);
    expect(detectDialect({ wrapped: transport.wrapped, body: dialect })).toBe('ruby');
    const body = encodeRequestBody(payload, request, 'ruby');
    expect(layer(body)).toEqual(layer(request.message));
    const inner = encodeRequest({ ...request, message: body });
    expect(layer(inner)).toEqual(layer(secure['message']));
    const outer = encodeSecureRequest({ ...signed, message: signed.message });
    expect(layer(outer)).toEqual(secure);
    expect(layer(rewritten(transport, outer))).toEqual(layer(captured.payload));
  });

  it.each(replies)('reply $captured.at to $captured.subject', ({ captured, transport, secure }) => {
    const hashed = decodeSecureReply(transport.data);
    verifyHash(hashed);
    const reply = decodeReply(hashed.message);
    expect(reply.senderId).toBe(transport.sender);

    const body = encodeReplyBody(decodeReplyBody(reply.message, reply.agent), 'ruby');
    // Ruby's bodies, inner and secure messages hold no spaces and the same order of keys: the very same bytes.
    expect(body).toBe(reply.message);
    const inner = encodeReply({ ...reply, message: body });
    expect(inner).toBe(secure['message']);
    const outer = encodeSecureReply(inner);
    expect(layer(outer)).toEqual(secure);
    expect(layer(rewritten(transport, outer))).toEqual(layer(captured.payload));
  });

  it.each(all.filter(isStats))('stats document $at is no message', ({ payload }) => {
    refused(
      () => decodeTransport(Buffer.from(payload), LIMITS),
      'missing_field',
      /does not name its protocol/,
    );
  });

  it('have targets and reply subjects that are accepted', () => {
    const federated = requests.filter(({ captured }) => captured.subject.endsWith('.federation'));
    expect(federated.length).toBeGreaterThan(5);
    for (const { transport } of federated) {
      const request = decodeRequest(decodeSecureRequest(transport.data).message);
      const targets = readTargets(transport.federation?.targets ?? [], request, { maxTargets: 200 });
      expect(targets.length).toBeGreaterThan(0);
      expect(parseReplySubject(transport.replyTo ?? '').collective).toBe(request.collective);
    }
  });
});
