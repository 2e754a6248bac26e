import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, describe, expect, test } from 'vitest';
import {
  addConnectionOptions,
  type ConnectionOptions,
  connectionFrom,
  networkFrom,
} from '../../src/cli/client-options.ts';
import { UsageError } from '../../src/cli/usage.ts';
import { makeAuthority } from '../support/pki.ts';

const folder = mkdtempSync(join(tmpdir(), 'mcbridge-options-'));
afterAll(() => rmSync(folder, { recursive: true }));

const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const authority = makeAuthority('options test CA');
const alice = authority.issue({ commonName: 'alice.mcollective' });
const bridge = authority.issue({ commonName: 'bridge.example.net' });
const ca = file('ca.pem', authority.certificate);
const cert = file('alice.pem', alice.certificate);
const key = file('alice.key', alice.privateKey);
file('bridge.pem', bridge.certificate);
file('bridge.key', bridge.privateKey);
const config = file(
  'bridge.yaml',
  JSON.stringify({
    cluster: 'production',
    cluster_key: 'only for tests, thirty-two bytes or more',
    ingresses: {
      federation: {
        type: 'choria-federation',
        servers: ['nats://configured.example.net:4222'],
        tls: { ca: 'ca.pem', cert: 'bridge.pem', key: 'bridge.key' },
      },
    },
    egresses: {
      legacy: {
        type: 'mcollective-stomp',
        servers: ['stomp://activemq.example.net:61613'],
        user: 'mcollective',
        password: 'x',
        signing: { keys_dir: 'keys' },
        server_public_key: 'ca.pem',
      },
    },
    routes: [
      {
        from: 'federation',
        to: 'legacy',
        collectives: ['mcollective'],
        identities: [{ regex: 'choria=(.+)', to: 'cert=$1' }],
      },
    ],
  }),
);

const options = (...args: readonly string[]): ConnectionOptions =>
  addConnectionOptions(new Command().exitOverride().configureOutput({ writeErr: () => undefined }))
    .parse([...args], { from: 'user' })
    .opts();

const all = ['--server', 'nats://a:4222', '--ca', ca, '--cert', cert, '--key', key];
const connect = (...args: readonly string[]) => connectionFrom(options(...args), {});

describe('the options of a connection', () => {
  test('say where to connect to and as whom', async () => {
    expect(await connect(...all)).toEqual({
      linkOptions: {
        servers: ['tls://a:4222'],
        name: 'alice.mcollective',
        failFast: true,
        tls: { ca: authority.certificate, cert: alice.certificate, key: alice.privateKey, verify: true },
      },
      federation: [],
      collective: 'mcollective',
      certificate: alice.certificate,
      key: alice.privateKey,
      callerid: 'choria=alice.mcollective',
    });
  });

  test('name servers and clusters one by one or with commas, and any collective', async () => {
    const { linkOptions, federation, collective } = await connect(
      ...all,
      ...['--server', 'b:4222,tls://c:4222', '--federation', 'one,two', '--federation', 'three', '-T', 'uk'],
    );
    expect(linkOptions.servers).toEqual(['tls://a:4222', 'tls://b:4222', 'tls://c:4222']);
    expect({ federation, collective }).toEqual({ federation: ['one', 'two', 'three'], collective: 'uk' });
  });

  test('come from the environment where they are not given', async () => {
    const env = {
      MCBRIDGE_SERVER: 'nats://e:4222, nats://f:4222',
      MCBRIDGE_CA: ca,
      MCBRIDGE_CERT: cert,
      MCBRIDGE_KEY: key,
    };
    expect(await connectionFrom(options(), env)).toMatchObject({
      linkOptions: { servers: ['tls://e:4222', 'tls://f:4222'] },
      callerid: 'choria=alice.mcollective',
    });
    const { linkOptions } = await connectionFrom(options('--server', 'nats://a:4222'), env);
    expect(linkOptions.servers).toEqual(['tls://a:4222']);
  });

  test('come from a configuration where neither says them', async () => {
    expect(await connect('--config', config)).toMatchObject({
      linkOptions: { servers: ['tls://configured.example.net:4222'], failFast: true },
      federation: ['production'],
      callerid: 'choria=bridge.example.net',
    });
    expect(
      await connect('--config', config, '--cert', cert, '--key', key, '--federation', 'other'),
    ).toMatchObject({
      linkOptions: { tls: { ca: authority.certificate, cert: alice.certificate } },
      federation: ['other'],
      callerid: 'choria=alice.mcollective',
    });
    expect(
      await connectionFrom(options('--config', config), { MCBRIDGE_CERT: cert, MCBRIDGE_KEY: key }),
    ).toMatchObject({ callerid: 'choria=alice.mcollective' });
  });

  test('do without a certificate where nothing is signed', async () => {
    const { linkOptions } = await networkFrom(options('--server', 'a', '--ca', ca), {});
    expect(linkOptions.tls).toEqual({ ca: authority.certificate, verify: true });
    const plain = await networkFrom(options('--server', 'nats://a:1', '--insecure-plaintext'), {});
    expect(plain.linkOptions).toEqual({
      servers: ['nats://a:1'],
      name: 'mcbridge client',
      failFast: true,
    });
  });

  const other = file('other.key', bridge.privateKey);
  const noPem = file('no.pem', 'hello');
  test.each([
    [[], 'no server: give --server'],
    [['--server', 'a'], 'no CA: give --ca'],
    [['--server', 'a', '--ca', ca], 'requests are signed: give --cert and --key'],
    [['--server', 'a', '--ca', ca, '--cert', cert], '--cert and --key belong together'],
    [['--server', 'a', '--ca', join(folder, 'nonesuch')], 'cannot be read: there is no such file'],
    [[...all, '--key', other], '--key does not belong to --cert'],
    [[...all, '--key', noPem], '--key holds no private key in PEM'],
    [[...all, '--cert', noPem], '--cert: the certificate cannot be used'],
    [[...all, '--federation', 'a.b'], '--federation "a.b" is not a name'],
    [[...all, '-T', 'a.>'], '--collective "a.>" is not a name'],
    // A pair of two halves: the configuration's certificate with somebody's key.
    [['--config', config, '--key', key], '--cert and --key belong together'],
  ])('%j are told to be wrong', async (args, sentence) => {
    await expect(connect(...args)).rejects.toThrow(UsageError);
    await expect(connect(...args)).rejects.toThrow(sentence);
  });
});

describe('a configuration of which a client uses one connection', () => {
  const written = (name: string, edit: (text: string) => string) =>
    file(name, edit(readFileSync(config, 'utf8')));
  const secrets = written('secrets.yaml', (text) =>
    text
      .replace('"only for tests, thirty-two bytes or more"', '"$' + '{NOT_SET_KEY}"')
      .replace('"password":"x"', '"password":"$' + '{NOT_SET_PASSWORD}"')
      .replace('stomp://activemq.example.net:61613', '$' + '{NOT_SET_SERVER}'),
  );
  const parsed = (...args: readonly string[]) => {
    const command = addConnectionOptions(new Command());
    command.parse([...args], { from: 'user' });
    return command.opts<ConnectionOptions>();
  };

  test('needs no secret and no variable of its other parts', async () => {
    const { linkOptions, federation } = await connectionFrom(
      parsed('--config', secrets, '--cert', cert, '--key', key),
      {},
    );
    expect(linkOptions.servers).toEqual(['tls://configured.example.net:4222']);
    expect(federation).toEqual(['production']);
  });

  test("needs none of the bridge's own files that the user gives himself", async () => {
    const own = written('own.yaml', (text) =>
      text.replace('bridge.key', 'not-there.key').replace('ca.pem', 'no-ca.pem'),
    );
    const args = ['--config', own, '--ca', ca, '--cert', cert, '--key', key];
    expect((await connectionFrom(parsed(...args), {})).callerid).toBe('choria=alice.mcollective');
    await expect(networkFrom(parsed('--config', own, '--ca', ca), {})).rejects.toThrow(
      'not-there.key cannot be read',
    );
  });

  test('names what is wrong in the part that it uses, and nothing else', async () => {
    const wrong = written('wrong.yaml', (text) =>
      text
        .replace('"nats://configured.example.net:4222"', '"$' + '{NOT_SET_NATS}"')
        .replace('"stomp:', '"nonsense:'),
    );
    await expect(networkFrom(parsed('--config', wrong), {})).rejects.toThrow(
      /^[^\n]*ingresses\.federation\.servers\[0\]: the environment variable NOT_SET_NATS is not set$/,
    );
  });

  test('may have no federation: then the client speaks in the collective itself', async () => {
    const collective = written('collective.yaml', (text) =>
      text.replace('choria-federation', 'choria-collective'),
    );
    expect((await networkFrom(parsed('--config', collective), {})).federation).toEqual([]);
    const none = written('none.yaml', (text) => text.replace('choria-federation', 'mcollective-stomp'));
    await expect(networkFrom(parsed('--config', none), {})).rejects.toThrow(
      'has no ingress of type choria-federation or choria-collective, which a client of Choria could use',
    );
  });
});
