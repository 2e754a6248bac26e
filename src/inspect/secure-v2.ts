import { createHash, type KeyObject, verify } from 'node:crypto';
import { tryDecodeBase64 } from '../codec/base64.ts';
import type { ValueMap } from '../envelope/value.ts';
import { decodePart } from './base64.ts';
import type { Context } from './context.ts';
import { fieldsOf, textIn } from './fields.ts';
import { type JsonText, readJson } from './json-text.ts';
import { claimsOf, holderKey, tokenLayer } from './token.ts';
import { type Layer, layerOf, type Problem, type Verdict } from './tree.ts';
import { missingIn } from './v2.ts';

const signature = (state: Verdict['state'], reason: string): Verdict => ({ of: 'signature', state, reason });

/** What is signed: the bytes of the document inside, no hash of them (go-choria's protocol/v2). */
const matches = (document: Buffer, encoded: string, key: KeyObject): boolean => {
  const bytes = tryDecodeBase64(encoded);
  return bytes !== undefined && verify(null, document, key, bytes);
};

/** The base64 fields of a layer that are invalid. */
const damaged = (map: ValueMap, names: readonly string[]): readonly Problem[] =>
  names.flatMap((name) => {
    const text = textIn(map, name);
    const stops = text === undefined ? undefined : decodePart(text).stops;
    return stops === undefined
      ? []
      : [{ message: `the ${name} is not base64 from its character ${stops} on` }];
  });

const tokensIn = (map: ValueMap, names: readonly string[]): readonly Layer[] =>
  names.flatMap((name) => {
    const token = textIn(map, name);
    return token === undefined || token === '' ? [] : [tokenLayer(Buffer.from(token), name)];
  });

const documentIn = (map: ValueMap, name: string): Buffer => decodePart(textIn(map, name) ?? '').bytes;

const requestVerdict = (map: ValueMap, document: Buffer): Verdict => {
  // With a second token its holder has signed, and may do so in another's name.
  const role = map.has('signer') ? 'signer' : 'caller';
  const claims = claimsOf(textIn(map, role) ?? '');
  const key = holderKey(claims);
  if (claims === undefined || key === undefined)
    return signature('unverified', `no key: the ${role}'s token names none`);
  if (!matches(document, textIn(map, 'signature') ?? '', key))
    return signature('invalid', `it does not match the request and the key in the ${role}'s token`);
  const read = readJson(document);
  const [says, allowed] = [
    'map' in read ? textIn(read.map, 'caller') : undefined,
    textIn(claims, 'callerid'),
  ];
  if (role === 'caller' && says !== allowed)
    return signature(
      'invalid',
      `it matches, but the request is by ${says ?? 'nobody'} and the token for ${allowed ?? 'nobody'}`,
    );
  return signature('valid', `made with the key in the ${role}'s token, which is not verified itself`);
};

const REQUEST = ['request', 'signature', 'caller'];

export const secureRequestV2 = ({ bytes, map, problems }: JsonText, context: Context): Layer => {
  const document = documentIn(map, 'request');
  const wrong =
    problems.length > 0
      ? problems
      : [...missingIn(bytes, map, REQUEST), ...damaged(map, ['request', 'signature'])];
  return layerOf('secure-request-v2', {
    bytes: bytes.length,
    fields: fieldsOf(map, { without: ['protocol', 'request', 'caller', 'signer'] }),
    verdicts: [
      wrong.length > 0 ? signature('unverified', 'the message is damaged') : requestVerdict(map, document),
    ],
    problems: wrong,
    inside: [
      ...tokensIn(map, ['caller', 'signer']),
      ...(document.length === 0 ? [] : [context.inside(document)]),
    ],
  });
};

const replyVerdicts = (map: ValueMap, document: Buffer): readonly Verdict[] => {
  const intact = createHash('sha256').update(document).digest('base64') === textIn(map, 'hash');
  const hash: Verdict = intact
    ? { of: 'hash', state: 'valid', reason: 'the reply is intact' }
    : { of: 'hash', state: 'invalid', reason: 'the reply does not have the checksum that it says' };
  const signed = textIn(map, 'signature');
  if (signed === undefined) return [hash];
  const key = holderKey(claimsOf(textIn(map, 'sender') ?? ''));
  if (key === undefined) return [hash, signature('unverified', "no key: the sender's token names none")];
  return [
    hash,
    matches(document, signed, key)
      ? signature('valid', "made with the key in the sender's token, which is not verified itself")
      : signature('invalid', "it does not match the reply and the key in the sender's token"),
  ];
};

export const secureReplyV2 = ({ bytes, map, problems }: JsonText, context: Context): Layer => {
  const document = documentIn(map, 'reply');
  const wrong =
    problems.length > 0
      ? problems
      : [...missingIn(bytes, map, ['reply', 'hash']), ...damaged(map, ['reply', 'hash', 'signature'])];
  return layerOf('secure-reply-v2', {
    bytes: bytes.length,
    fields: fieldsOf(map, { without: ['protocol', 'reply', 'sender'] }),
    verdicts:
      wrong.length > 0
        ? [{ of: 'hash', state: 'unverified', reason: 'the message is damaged' }]
        : replyVerdicts(map, document),
    problems: wrong,
    inside: [...tokensIn(map, ['sender']), ...(document.length === 0 ? [] : [context.inside(document)])],
  });
};
