import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { replyPayloadToRuby } from '../../../../src/adapters/mcollective/wire/payload.ts';
import { decodeReply, encodeReply, verifyReply } from '../../../../src/adapters/mcollective/wire/reply.ts';
import {
  decodeRequest,
  encodeRequestBody,
  encodeSignedRequest,
  verifyRequest,
} from '../../../../src/adapters/mcollective/wire/request.ts';
import { fieldBytes } from '../../../../src/adapters/mcollective/wire/text.ts';
import { RubyHash } from '../../../../src/codec/ruby/value.ts';
import {
  captured,
  capturedReplies,
  capturedRequests,
  captureKey,
  compareInRuby,
  type Pair,
  serializers,
} from './captures.ts';

const alice = captureKey('alice-public');
const server = captureKey('server-public');

/** One reply has symbols, ISO-8859-1 text and integer keys inside its data, which the neutral model writes as text. */
const isTextAfterwards = (message: Buffer): boolean => message.includes('echoed');

describe.each([
  { name: 'marshal', requests: 25, replies: 39 },
  { name: 'yaml', requests: 5, replies: 7 },
] as const)('captured $name messages', ({ name, requests, replies }) => {
  const serializer = serializers[name];

  it('are as many as were recorded', () => {
    expect(capturedRequests(name)).toHaveLength(requests);
    expect(capturedReplies(name)).toHaveLength(replies);
  });

  it('decode and re-encode to what Ruby finds equal, layer by layer', () => {
    const pairs = captured(name).flatMap(({ body }): Pair[] => {
      const outer = serializer.decode(body);
      const bytes = fieldBytes(outer instanceof RubyHash ? outer.symbol('body') : undefined);
      if (bytes === undefined) throw new Error('a message without :body');
      return [
        { format: name, left: body, right: serializer.encode(outer) },
        { format: name, left: bytes, right: serializer.encode(serializer.decode(bytes)) },
      ];
    });
    expect(compareInRuby(pairs)).toEqual(pairs.map(() => 'equal'));
  });

  it('requests verify with the caller’s key and say the same after a round trip through the envelope', () => {
    const pairs = capturedRequests(name).map(({ body }): Pair => {
      const signed = decodeRequest(body, serializer);
      const request = verifyRequest(signed, alice, serializer);
      const document = encodeRequestBody(request, serializer);
      return {
        format: name,
        left: body,
        right: encodeSignedRequest(request, document, signed.signature, serializer),
      };
    });
    expect(compareInRuby(pairs)).toEqual(pairs.map(() => 'equal'));
  });

  it('requests name the caller, the collective and what is asked', () => {
    const opened = capturedRequests(name).map(({ body }) =>
      verifyRequest(decodeRequest(body, serializer), alice, serializer),
    );
    expect(new Set(opened.map(({ callerId }) => callerId))).toEqual(new Set(['cert=alice-public']));
    expect(new Set(opened.map(({ payload }) => payload.kind))).toEqual(new Set(['discovery', 'rpc']));
    for (const { agent, payload } of opened) expect(payload.kind === 'discovery').toBe(agent === 'discovery');
  });

  it('replies verify with the server key and say the same after a round trip through the envelope', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const bodies = capturedReplies(name).map(({ body }) => body);
    const pairs = await Promise.all(
      bodies.map(async (body): Promise<Pair> => {
        const signed = decodeReply(body, serializer);
        const payload = verifyReply(signed, [server], serializer);
        const again = await encodeReply({ ...signed, payload }, privateKey, serializer);
        return { format: name, left: withoutHash(body), right: withoutHash(again) };
      }),
    );
    expect(compareInRuby(pairs)).toEqual(
      bodies.map((body) => (isTextAfterwards(body) ? 'equal as text' : 'equal')),
    );
  });

  it('replies do not verify with the caller’s key', () => {
    for (const { body } of capturedReplies(name))
      expect(() => verifyReply(decodeReply(body, serializer), [alice], serializer)).toThrow(
        expect.objectContaining({ code: 'invalid_signature' }),
      );
  });

  it('replies verify while the server key is being replaced, whichever of the two signed', () => {
    const [first] = capturedReplies(name);
    if (first === undefined) throw new Error('no reply was captured');
    const payload = verifyReply(decodeReply(first.body, serializer), [alice, server], serializer);
    expect(replyPayloadToRuby(payload, 'discovery')).toBe('pong');
  });

  /** Our own key signs the copy, so the signatures differ. */
  const withoutHash = (message: Uint8Array): Buffer => {
    const hash = serializer.decode(message);
    if (!(hash instanceof RubyHash)) throw new Error('not a hash');
    return serializer.encode(new RubyHash(hash.entries.slice(0, -1)));
  };
});
