import { verify } from 'node:crypto';
import {
  decodeSecureReply,
  decodeSecureRequest,
  type SecureRequest,
  type VerifiedCaller,
  verifyHash,
} from '../adapters/choria/wire/index.ts';
import { tryDecodeBase64 } from '../codec/base64.ts';
import { Rejection } from '../envelope/rejection.ts';
import type { ValueMap } from '../envelope/value.ts';
import { certificatesIn, certificateText } from './certificate.ts';
import type { Context } from './context.ts';
import { fieldsOf, mapIn, momentOf, SECOND_MS, textIn } from './fields.ts';
import { type JsonText, readJson } from './json-text.ts';
import { objection } from './problem.ts';
import { type Field, type Layer, layerOf, type Verdict } from './tree.ts';

const signature = (state: Verdict['state'], reason: string): Verdict => ({ of: 'signature', state, reason });

/** The envelope of the request inside, whatever else is wrong with it. */
const envelopeOf = (message: string): ValueMap => {
  const read = readJson(Buffer.from(message));
  return ('map' in read ? mapIn(read.map, 'envelope') : undefined) ?? new Map();
};

/** Without a CA all that can be said is whether the signature is that of the certificate that came along. */
const withoutAuthority = (secure: SecureRequest): Verdict => {
  const missing = 'no CA: give --ca or --config';
  const [certificate] = certificatesIn(secure.pubcert);
  const bytes = tryDecodeBase64(secure.signature);
  if (certificate === undefined || bytes === undefined || certificate.key.asymmetricKeyType !== 'rsa')
    return signature('unverified', missing);
  if (!verify('sha256', Buffer.from(secure.message), certificate.key, bytes))
    return signature('invalid', 'it does not match the request and the certificate in the message');
  return signature(
    'unverified',
    `${missing}; it matches the certificate in the message, whose issuer is not known`,
  );
};

const attempt = (run: () => VerifiedCaller): VerifiedCaller | Rejection => {
  try {
    return run();
  } catch (error) {
    if (error instanceof Rejection) return error;
    throw error;
  }
};

const signer = ({ name, privileged, certificate }: VerifiedCaller): string =>
  privileged
    ? `made for ${name} by the privileged certificate of ${certificate}`
    : `made by ${name} with its own certificate`;

/** Asked at the time that the message says of itself: the messages that people look at are old. */
const verdictOn = (secure: SecureRequest, { keys, now }: Context): Verdict => {
  const envelope = envelopeOf(secure.message);
  const callerId = textIn(envelope, 'callerid');
  if (callerId === undefined) return signature('unverified', 'the request inside does not say whose it is');
  if (keys.callers.length === 0) return withoutAuthority(secure);
  const sent = momentOf(envelope.get('time'), SECOND_MS);
  const reasons: string[] = [];
  for (const { verifier, source } of keys.callers) {
    const then = attempt(() => verifier.verify(secure, callerId, sent ?? now));
    if (then instanceof Rejection) {
      reasons.push(`${then.message} (${source})`);
      continue;
    }
    const today = attempt(() => verifier.verify(secure, callerId, now));
    const since =
      today instanceof Rejection ? `; valid when it was sent, but not any more: ${today.message}` : '';
    return signature('valid', `${signer(then)}, which ${source} vouches for${since}`);
  }
  return signature('invalid', reasons.join('; '));
};

const messageIn = (map: ValueMap, context: Context): readonly Layer[] => {
  const message = textIn(map, 'message');
  return message === undefined || message === '' ? [] : [context.inside(Buffer.from(message))];
};

const withCertificate = (field: Field): Field => {
  const text =
    field.name === 'pubcert' && typeof field.value === 'string' ? certificateText(field.value) : undefined;
  return text === undefined ? field : { ...field, text };
};

export const secureRequestV1 = ({ bytes, map, problems }: JsonText, context: Context): Layer => {
  let secure: SecureRequest | undefined;
  const wrong =
    problems.length > 0
      ? problems
      : objection(bytes, () => {
          secure = decodeSecureRequest(bytes);
        });
  return layerOf('secure-request-v1', {
    bytes: bytes.length,
    fields: fieldsOf(map, { without: ['protocol', 'message'] }).map(withCertificate),
    verdicts: [
      secure === undefined ? signature('unverified', 'the message is damaged') : verdictOn(secure, context),
    ],
    problems: wrong,
    inside: messageIn(map, context),
  });
};

const hashVerdict = (bytes: Buffer): Verdict => {
  try {
    verifyHash(decodeSecureReply(bytes));
    return { of: 'hash', state: 'valid', reason: 'the reply is intact; protocol 1 does not sign replies' };
  } catch (error) {
    if (!(error instanceof Rejection)) throw error;
    return { of: 'hash', state: 'invalid', reason: error.message };
  }
};

export const secureReplyV1 = ({ bytes, map, problems }: JsonText, context: Context): Layer => {
  const wrong = problems.length > 0 ? problems : objection(bytes, () => decodeSecureReply(bytes));
  return layerOf('secure-reply-v1', {
    bytes: bytes.length,
    fields: fieldsOf(map, { without: ['protocol', 'message'] }),
    verdicts:
      wrong.length > 0
        ? [{ of: 'hash', state: 'unverified', reason: 'the message is damaged' }]
        : [hashVerdict(bytes)],
    problems: wrong,
    inside: messageIn(map, context),
  });
};
