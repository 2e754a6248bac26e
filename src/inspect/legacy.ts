import { decodeReply } from '../adapters/mcollective/wire/reply.ts';
import {
  decodeRequest,
  type Oddity,
  type SignedRequest,
  verifyRequest,
} from '../adapters/mcollective/wire/request.ts';
import type { Serializer } from '../adapters/mcollective/wire/serializer.ts';
import { verifyDocument } from '../adapters/mcollective/wire/signature.ts';
import { fieldBytes, fieldText } from '../adapters/mcollective/wire/text.ts';
import type { RubyHash } from '../codec/ruby/index.ts';
import { Rejection } from '../envelope/rejection.ts';
import { decodePart } from './base64.ts';
import type { Context } from './context.ts';
import type { Document } from './document.ts';
import { fieldsOf, SECOND_MS } from './fields.ts';
import type { KnownKey } from './keys.ts';
import { objection } from './problem.ts';
import { shownHash } from './ruby-value.ts';
import { type Layer, type LayerKind, layerOf, type Problem, type Verdict } from './tree.ts';

const has = (hash: RubyHash, ...names: readonly string[]): boolean =>
  names.every((name) => hash.symbol(name) !== undefined);

export const isReply = (hash: RubyHash): boolean => has(hash, 'senderid', 'body') || has(hash, 'senderagent');

/** A reply has neither of these. */
export const isRequest = (hash: RubyHash): boolean => has(hash, 'callerid') || has(hash, 'filter', 'body');

const signature = (state: Verdict['state'], reason: string): Verdict => ({ of: 'signature', state, reason });
const DAMAGED = signature('unverified', 'the message is damaged');

/** A key of another kind than RSA throws instead of saying no. */
const matches = (body: Buffer, signed: Buffer, { key }: KnownKey): boolean => {
  try {
    return verifyDocument(body, signed, key);
  } catch {
    return false;
  }
};

const requestVerdict = (signed: SignedRequest, { serializer }: Document, { keys }: Context): Verdict => {
  const { callerId, body } = signed;
  const known = keys.clientKey(callerId);
  if ('missing' in known) return signature('unverified', known.missing);
  if (!matches(body, signed.signature, known))
    return signature('invalid', `it does not match the request and the key of ${callerId} (${known.source})`);
  const made = `made with the key of ${callerId} (${known.source})`;
  try {
    verifyRequest(signed, known.key, serializer);
    return signature('valid', made);
  } catch (error) {
    if (!(error instanceof Rejection)) throw error;
    return isBare(signed, known, serializer)
      ? signature(
          'valid',
          `${made}; ttl and time are not signed, so that it is taken with enforce_ttl: false alone`,
        )
      : signature('invalid', `${made}, but ${error.message}`);
  }
};

/** What is taken only where ttl and time need not be signed, and says no other ones than those outside. */
const isBare = (signed: SignedRequest, { key }: KnownKey, serializer: Serializer): boolean => {
  const oddities: Oddity[] = [];
  try {
    verifyRequest(signed, key, serializer, {
      enforceTtl: false,
      note: (_, kind) => void oddities.push(kind),
    });
    return !oddities.includes('differs');
  } catch (error) {
    if (!(error instanceof Rejection)) throw error;
    return false;
  }
};

const message = (
  kind: LayerKind,
  { bytes, hash, serializer }: Document,
  problems: readonly Problem[],
  verdict: Verdict,
  context: Context,
): Layer => {
  const body = fieldBytes(hash.symbol('body'));
  return layerOf(kind, {
    format: serializer.name,
    bytes: bytes.length,
    fields: fieldsOf(shownHash(hash), {
      without: ['body'],
      times: { msgtime: SECOND_MS },
      ttlFrom: 'msgtime',
    }),
    verdicts: [verdict],
    problems,
    inside: body === undefined || body.length === 0 ? [] : [context.inside(body)],
  });
};

const NO_BASE64 = 'the :hash is not base64';

/** What the codec objects to, with the place where a damaged hash is. */
const objectionTo = ({ bytes, hash }: Document, run: () => unknown): readonly Problem[] =>
  objection(bytes, run).map((problem) => {
    const text = problem.message === NO_BASE64 ? fieldText(hash.symbol('hash')) : undefined;
    const stops = text === undefined ? undefined : decodePart(text).stops;
    return stops === undefined ? problem : { message: `${NO_BASE64} from its character ${stops} on` };
  });

export const legacyRequest = (document: Document, context: Context): Layer => {
  let signed: SignedRequest | undefined;
  const problems = objectionTo(document, () => {
    signed = decodeRequest(document.bytes, document.serializer);
  });
  const verdict = signed === undefined ? DAMAGED : requestVerdict(signed, document, context);
  return message('legacy-request', document, problems, verdict, context);
};

/** All daemons share a key; several are configured only while it is being replaced. */
const replyVerdict = (body: Buffer, signed: Buffer, { keys }: Context): Verdict => {
  if (keys.serverKeys.length === 0)
    return signature('unverified', 'no server key: give --server-key or --config');
  const known = keys.serverKeys.find((key) => matches(body, signed, key));
  if (known !== undefined) return signature('valid', `made with the server key ${known.source}`);
  const sources = keys.serverKeys.map(({ source }) => source).join(', ');
  return signature('invalid', `it does not match the reply and the server key ${sources}`);
};

export const legacyReply = (document: Document, context: Context): Layer => {
  let verdict = DAMAGED;
  const problems = objectionTo(document, () => {
    const signed = decodeReply(document.bytes, document.serializer);
    verdict = replyVerdict(signed.body, signed.signature, context);
  });
  return message('legacy-reply', document, problems, verdict, context);
};
