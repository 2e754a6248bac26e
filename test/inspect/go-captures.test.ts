import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  decodeReply,
  decodeReplyBody,
  decodeRequest,
  decodeRequestBody,
  decodeSecureReply,
  decodeSecureRequest,
  decodeTransport,
  encodeReply,
  encodeSecureReply,
  encodeSecureRequest,
  encodeTransport,
  verifyHash,
} from '../../src/adapters/choria/wire/index.ts';
import type { Keys } from '../../src/inspect/keys.ts';
import { NO_KEYS } from '../../src/inspect/keys.ts';
import { isWhole, layersOf } from '../../src/inspect/tree.ts';
import { openTransport, transportOf } from '../support/choria-transport.ts';
import { captureText, decode, kindsOf, trusting, verdictsOf } from './support.ts';

const KEYS: Keys = { ...NO_KEYS, callers: trusting(captureText('keys/choria-go/ca.pem')) };
const LIMITS = { maxBytes: 1_000_000 };

const line = z.object({ at: z.number(), net: z.string(), subject: z.string(), payload: z.string() });
const linesOf = (name: string) =>
  captureText(name)
    .trim()
    .split('\n')
    .map((text) => ({ text, ...line.parse(JSON.parse(text)) }));
const v1 = linesOf('choria-go-v1.ndjson');
const v2 = linesOf('choria-go-v2.ndjson');

const layer = (text: string): unknown => JSON.parse(text);

describe('what go-choria’s peers exchanged', () => {
  it('is decoded whole, each message to its innermost layer', () => {
    expect(v1.length + v2.length).toBe(161);
    for (const { text, at } of [...v1, ...v2]) {
      const tree = decode(text, KEYS, at);
      expect({ text, whole: isWhole(tree) }).toEqual({ text, whole: true });
      expect(['ping', 'pong', 'rpc-request', 'rpc-reply']).toContain(kindsOf(tree).at(-1));
    }
  });

  it('of protocol 1 is signed by callers of the CA, but for mallory’s three', () => {
    const verdicts = v1.flatMap(({ text, at }) =>
      verdictsOf(decode(text, KEYS, at)).map(({ of, state }) => ({ of, state, text })),
    );
    const invalid = verdicts.filter(({ state }) => state !== 'valid');
    expect(invalid.map(({ of, state }) => [of, state])).toEqual(Array(3).fill(['signature', 'invalid']));
    for (const { text } of invalid) {
      const names = layersOf(decode(text)).flatMap(({ fields }) => fields.map((it) => String(it.text ?? '')));
      expect(names.join()).toContain('mallory');
    }
    expect(verdicts.filter(({ of, state }) => of === 'hash' && state === 'valid').length).toBeGreaterThan(20);
  });

  it('is written again as it was read, whoever passes it on', () => {
    for (const { payload } of [...v1, ...v2]) {
      const relay = decodeTransport(Buffer.from(payload), LIMITS);
      expect(layer(encodeTransport(relay))).toEqual(layer(payload));
    }
  });

  it('of protocol 1 is written again as Go writes it, layer by layer', () => {
    for (const { payload } of v1) {
      const { data, wrapped, content: _, ...headers } = openTransport(payload);
      expect(wrapped).toBe(false);
      const secure = data.toString();
      expect(layer(transportOf(secure, headers))).toEqual(layer(payload));
      if (secure.includes('choria:secure:request:1')) {
        const signed = decodeSecureRequest(data);
        expect(layer(encodeSecureRequest(signed))).toEqual(layer(secure));
        const request = decodeRequest(signed.message);
        expect(decodeRequestBody(request.message, { ...request, vouched: true }).payload.kind).toMatch(
          /rpc|disc/,
        );
      } else {
        const hashed = decodeSecureReply(data);
        verifyHash(hashed);
        const reply = decodeReply(hashed.message);
        expect(layer(encodeSecureReply(hashed.message))).toEqual(layer(secure));
        expect(layer(encodeReply(reply))).toEqual(layer(hashed.message));
        decodeReplyBody(reply.message, reply.agent);
      }
    }
  });
});
