import { createPublicKey, verify, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ChoriaClient, connectChoriaClient } from './choria-client.ts';
import { parseReply, requestLayer, toJson, transportLayer } from './choria-messages.ts';
import { type NatsServer, startNatsServer } from './nats-server.ts';
import { makeAuthority } from './pki.ts';

interface Recorded {
  readonly subject: string;
  readonly reply: string;
  readonly payload: string;
}

const recordedIn = (name: string): readonly Recorded[] =>
  readFileSync(new URL(`../../fixtures/captures/${name}.ndjson`, import.meta.url), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
const recorded = [...recordedIn('choria-v1-federated'), ...recordedIn('choria-v1')];
/** What clients have published, federated and not; what brokers have passed on has no reply subject of NATS. */
const requests = recorded.filter(({ reply }) => reply !== '');
const replies = recorded.filter(({ subject }) => subject.includes('.reply.'));

/** The recorded request under a reply's subject, taken apart. */
const taken = ({ payload }: Recorded) => {
  const transport = JSON.parse(payload);
  const secure = JSON.parse(Buffer.from(transport.data, 'base64').toString());
  return { transport, secure, request: JSON.parse(secure.message) };
};

describe("the Ruby dialect is the recorded clients', byte for byte", () => {
  test.for(requests.map((one, index) => [index, one] as const))('request %i', ([, one]) => {
    const { transport, secure, request } = taken(one);
    const { envelope } = request;
    const built = requestLayer({
      dialect: 'ruby',
      requestId: envelope.requestid,
      sender: envelope.senderid,
      ...envelope,
      body: request.message,
    });
    expect(toJson(built, 'ruby')).toBe(secure.message);
    const { headers } = transport;
    const around = transportLayer(toJson(secure, 'ruby'), {
      dialect: 'ruby',
      sender: headers.mc_sender,
      replyTo: headers['reply-to'],
      requestId: envelope.requestid,
      ...('federation' in headers ? { targets: headers.federation.target } : {}),
      ...('seen-by' in headers ? { trace: headers['seen-by'][0][1] } : {}),
    });
    expect(toJson(around, 'ruby')).toBe(one.payload);
  });

  test('its replies are read, and no other', () => {
    expect(replies.length).toBeGreaterThan(30);
    for (const { subject, payload } of replies) {
      const request = requests.find(({ reply }) => reply === subject);
      if (request === undefined) throw new Error(`no request for ${subject}`);
      const { envelope } = taken(request).request;
      const expected = {
        dialect: 'ruby',
        federated: request.subject.endsWith('.federation'),
        requestId: envelope.requestid,
        agent: envelope.agent,
        trace: payload.includes('seen-by'),
      } as const;
      expect(parseReply(payload, expected).sender).toMatch(/^c[123]\.example\.net$/);
      expect(() => parseReply(payload, { ...expected, dialect: 'go' })).toThrow('as a go client expects it');
      expect(() => parseReply(payload, { ...expected, requestId: 'f'.repeat(32) })).toThrow('request id');
    }
  });
});

describe('over a real server', () => {
  const authority = makeAuthority('Choria CA');
  const alice = authority.issue({ commonName: 'alice.mcollective', usages: ['client'] });
  const nats = authority.issue({ commonName: 'nats.example.net', usages: ['server'] });
  let server: NatsServer;
  const clients: ChoriaClient[] = [];

  beforeAll(async () => {
    server = await startNatsServer({
      tls: { ca: authority.certificate, cert: nats.certificate, key: nats.privateKey },
    });
  });
  afterAll(async () => {
    await Promise.all(clients.map((client) => client.close()));
    await server.stop();
  });

  const clientOf = async (dialect: 'ruby' | 'go', federated = true) => {
    const client = await connectChoriaClient({
      url: server.url,
      tls: { ca: authority.certificate, cert: alice.certificate, key: alice.privateKey },
      certificate: alice.certificate,
      key: alice.privateKey,
      dialect,
      ...(federated ? { cluster: 'production' } : {}),
    });
    clients.push(client);
    return client;
  };

  test.for(['ruby', 'go'] as const)(
    'a %s request is signed, and in groups of 200 targets',
    async (dialect) => {
      const client = await clientOf(dialect);
      const seen: string[] = [];
      await client.subscribe('choria.federation.production.federation', (payload) => seen.push(payload));
      const targets = Array.from({ length: 450 }, (_, i) => `n${i}.example.net`);
      expect(await client.rpc({ agent: 'rpcutil', action: 'ping', targets, timeout: 300 })).toEqual([]);
      const transports = seen.map((payload) => JSON.parse(payload));
      expect(transports.map(({ headers }) => headers.federation.target.length)).toEqual([200, 200, 50]);
      const secure = JSON.parse(Buffer.from(transports[0].data, 'base64').toString());
      const key = createPublicKey(
        new X509Certificate(secure.pubcert).publicKey.export({ type: 'spki', format: 'pem' }),
      );
      const signature = Buffer.from(secure.signature, 'base64');
      expect(verify('RSA-SHA256', Buffer.from(secure.message), key, signature)).toBe(true);
      expect(JSON.parse(secure.message).envelope).toMatchObject({
        callerid: 'choria=alice.mcollective',
        filter: { agent: ['rpcutil'] },
      });
      const { message } = JSON.parse(secure.message);
      expect(JSON.parse(message)).toMatchObject({ agent: 'rpcutil', action: 'ping' });
      expect('caller' in JSON.parse(message)).toBe(dialect === 'ruby');
    },
  );

  test.for(['ruby', 'go'] as const)(
    'a %s client without a federation publishes to each target',
    async (dialect) => {
      const client = await clientOf(dialect, false);
      const seen: string[] = [];
      await client.subscribe('mcollective.>', (payload) => seen.push(payload));
      const targets = ['n1.example.net', 'n2.example.net'];
      const { subjects, payloads } = client.buildRequest({ agent: 'rpcutil', body: '{}', targets });
      expect(subjects).toEqual(['mcollective.node.n1.example.net', 'mcollective.node.n2.example.net']);
      expect(payloads).toHaveLength(1);
      await client.rpc({ agent: 'rpcutil', action: 'ping', targets, timeout: 300 });
      await client.discover({ timeout: 300 });
      const headers = seen.map((payload) => JSON.parse(payload).headers);
      expect(headers).toHaveLength(3);
      for (const one of headers) {
        expect(one).not.toHaveProperty('federation');
        expect('seen-by' in one).toBe(dialect === 'go');
      }
    },
  );

  test('a layer can be tampered with', async () => {
    const client = await clientOf('ruby');
    const built = client.buildRequest({
      agent: 'discovery',
      body: '"ping"',
      tamper: { secure: (layer) => ({ ...layer, signature: 'AAAA' }) },
    });
    expect(JSON.parse(built.secureText)).toMatchObject({ signature: 'AAAA', message: built.requestText });
  });
});
