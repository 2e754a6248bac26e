import type { Transport } from '../src/adapters/choria/wire/index.ts';
import { decodeTransport, encodeTransport, nodeSubject } from '../src/adapters/choria/wire/index.ts';
import {
  requestLayer,
  rpcBody,
  secureLayer,
  toJson,
  transportLayer,
} from '../test/support/choria-messages.ts';

/** The messages of the federation benchmarks: Choria's envelopes around bytes that nobody opens. */
export const CLUSTER = 'bench';
export const COLLECTIVE = 'mcollective';
export const REPLY_TO = `${COLLECTIVE}.reply.74ce5a833e16d4afa24ecbc90fff8506`;
export const ALL_NODES = `${COLLECTIVE}.node.>`;

const LIMITS = { maxBytes: 1024 * 1024 };

/** Base64 of this length with a line feed every 60 characters, as Ruby writes it, as JSON text. */
const base64 = (length: number): string =>
  JSON.stringify(`${'QUJD'.repeat(15)}\n`.repeat(length / 60).slice(0, length));

const around = (data: string): Transport['content'] => ({
  protocol: 'choria:transport:1',
  data,
  headers: {},
});

/** A secure request of 3.5 KB, and a reply to it. */
const request = around(base64(3_500));
const reply = around(base64(700));

export const MESSAGE_BYTES = request.data.length;

export const node = (n: number): string => nodeSubject(COLLECTIVE, `node${n}.example.net`);

const requestId = (n: number): string => n.toString(16).padStart(32, '0');

/** A request on its way from the client to the cluster. */
export const federated = (n: number, targets: readonly string[]): Buffer =>
  Buffer.from(
    encodeTransport({
      content: request,
      sender: 'client.mcollective',
      replyTo: `${REPLY_TO}.${n}`,
      federation: { request: requestId(n), targets },
    }),
  );

/** A client's certificate and key, PEM. */
export interface Credentials {
  readonly cert: string;
  readonly key: string;
}

/** A request that a bridge can verify, about as long as the others. */
export const signed = (n: number, cluster: string, target: string, { cert, key }: Credentials): Buffer => {
  const id = requestId(n);
  const text = toJson(
    requestLayer({
      dialect: 'ruby',
      requestId: id,
      sender: 'client.mcollective',
      callerid: 'choria=client.mcollective',
      collective: COLLECTIVE,
      agent: 'rpcutil',
      filter: {},
      ttl: 60,
      time: Math.floor(Date.now() / 1000),
      body: rpcBody('ruby', 'rpcutil', 'ping', 'choria=client.mcollective', { cluster }),
    }),
    'ruby',
  );
  const secure = toJson(secureLayer('ruby', text, key, cert), 'ruby');
  const layer = transportLayer(secure, {
    dialect: 'ruby',
    sender: 'client.mcollective',
    replyTo: `${REPLY_TO}.${n}`,
    requestId: id,
    targets: [target],
  });
  return Buffer.from(toJson(layer, 'ruby'));
};

/** The same on its way from the bridge to a node, or from the client, where nothing is between them. */
export const relayed = (n: number, replyTo: string): Buffer =>
  Buffer.from(
    encodeTransport({
      content: request,
      sender: 'client.mcollective',
      replyTo,
      federation: { request: requestId(n), home: `${REPLY_TO}.${n}` },
    }),
  );

/** What a node makes of a request that came to its subject: the number of the request, and the answer. */
export const answered = (
  body: Buffer,
  subject: string,
): { readonly n: number; readonly replyTo: string; readonly reply: Buffer } => {
  const { replyTo = '', federation, hops } = decodeTransport(body, LIMITS);
  const text = encodeTransport({
    content: reply,
    sender: subject.slice(ALL_NODES.length - 1),
    ...(hops && { hops }),
    ...(federation && { federation }),
  });
  return { n: Number.parseInt(federation?.request ?? '', 16), replyTo, reply: Buffer.from(text) };
};

/** Who sent a reply. */
export const senderOf = (body: Buffer): string => decodeTransport(body, LIMITS).sender ?? '';
