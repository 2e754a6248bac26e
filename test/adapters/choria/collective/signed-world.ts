import {
  type Credential,
  type Credentials,
  type CredentialsOptions,
  privilegedCredentials,
  readCredential,
} from '../../../../src/adapters/choria/collective/credentials.ts';
import {
  base64Style,
  createCallerVerifier,
  DEFAULT_ALLOW,
  DEFAULT_PRIVILEGED,
  type Dialect,
  decodeRequest,
  decodeRequestBody,
  decodeSecureRequest,
  encodeReply,
  encodeReplyBody,
  encodeSecureReply,
  type TransportHeaders,
  type WireReply,
} from '../../../../src/adapters/choria/wire/index.ts';
import type {
  ReadableReplyAddress,
  ReadableRequest,
  Reply,
  ReplyPayload,
} from '../../../../src/envelope/message.ts';
import type { Egress } from '../../../../src/envelope/port.ts';
import type { Rejection } from '../../../../src/envelope/rejection.ts';
import { requestAt } from '../../../../src/testing/egress-contract.ts';
import type { Link } from '../../../../src/transport/link.ts';
import { openTransport, transportOf } from '../../../support/choria-transport.ts';
import type { Identity } from '../../../support/pki.ts';
import { authority } from '../../world.ts';
import { type CollectiveEgressOverrides, makeCollectiveEgress } from './make-egress.ts';

/** Whose requests they are, as rules map legacy callers. */
export const ALICE = 'choria=alice.mcollective';

/** What the bridge signs with: nodes take its word for any caller. */
export const privileged = authority.issue({
  commonName: 'mcbridge.privileged.mcollective',
  usages: ['client'],
});

const readIdentity = ({ certificate, privateKey }: Identity): Credential =>
  readCredential(certificate, Buffer.from(privateKey));

export const credentialsOf = (identity: Identity, options: Partial<CredentialsOptions> = {}): Credentials =>
  privilegedCredentials(readIdentity(identity), { clock: Date.now, ...options });

export const makeSigningEgress = (link: Link, overrides: CollectiveEgressOverrides = {}): Egress =>
  makeCollectiveEgress(link, { name: 'choria', credentials: credentialsOf(privileged), ...overrides });

/** What an egress has handed over. */
export interface Handed {
  readonly replies: Reply[];
  readonly rejections: { readonly rejection: Rejection; readonly home: ReadableReplyAddress | undefined }[];
}

/** Starts an egress that tells what it hands over. */
export const started = async (egress: Egress): Promise<Handed> => {
  const handed: Handed = { replies: [], rejections: [] };
  await egress.start({
    reply: (reply) => void handed.replies.push(reply),
    rejected: (rejection, home) => void handed.rejections.push({ rejection, home }),
  });
  return handed;
};

/** A legacy caller's request as the bridge has mapped it. */
export const requestOf = (
  part: Partial<ReadableRequest> = {},
  now = Math.floor(Date.now() / 1000),
): ReadableRequest => {
  const { id, home, ...rest } = requestAt(now, { caller: ALICE, ...part });
  const own = part.id ?? id;
  return {
    ...rest,
    id: own,
    home: part.home ?? {
      ingress: 'legacy',
      replyTo: '/queue/mcollective.reply.client_1.2',
      requestId: own,
      agent: rest.agent,
      collective: rest.collective,
      dialect: 'marshal',
      expires: rest.time + rest.ttl,
    },
  };
};

const verifier = createCallerVerifier({
  ca: authority.certificate,
  allow: DEFAULT_ALLOW,
  privileged: DEFAULT_PRIVILEGED,
});

/** A message as a node reads it, its signature verified. */
export const readMessage = (body: Uint8Array, now: number) => {
  const transport = openTransport(body);
  const secure = decodeSecureRequest(transport.data);
  const wire = decodeRequest(secure.message);
  const proven = verifier.verify(secure, wire.callerId, now);
  return { transport, secure, wire, proven, payload: decodeRequestBody(wire.message, wire).payload };
};

/** How a reply differs from that of an honest node. */
export interface ReplyDeviation extends Partial<WireReply> {
  readonly payload?: ReplyPayload;
  readonly dialect?: Dialect;
  readonly sender?: string;
  readonly headers?: TransportHeaders;
  /** Changes the secure reply. */
  readonly secure?: (text: string) => string;
}

/** What a node makes of a message, with the headers copied that nodes copy. */
export const errorReplyAddress = (
  body: Uint8Array,
  senderId: string,
  deviation: ReplyDeviation = {},
): Buffer => {
  const { transport, wire } = readMessage(body, Date.now());
  const { dialect = 'ruby', secure = (text) => text } = deviation;
  const payload: ReplyPayload =
    deviation.payload ??
    (wire.agent === 'discovery'
      ? { kind: 'discovery' }
      : { kind: 'rpc', statusCode: 0, statusMessage: 'OK', data: new Map([['pong', 1]]) });
  const reply = encodeReply({
    requestId: wire.requestId,
    senderId,
    agent: wire.agent,
    time: wire.time,
    message: encodeReplyBody(payload, dialect),
    ...deviation,
  });
  const { hops, federation } = transport;
  const headers = {
    sender: deviation.sender ?? senderId,
    ...(hops && { hops: [...hops, [hops.at(-1)?.[2] ?? '', senderId, 'nats://node']] }),
    ...(federation && { federation }),
    ...deviation.headers,
  };
  return Buffer.from(transportOf(secure(encodeSecureReply(reply)), headers, base64Style(dialect)));
};
