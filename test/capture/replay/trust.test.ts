import { describe, expect, it } from 'vitest';
import { headerFor } from '../../../src/capture/file/header.ts';
import { replayConfigFor } from '../../../src/capture/replay/replay-config.ts';
import { CLUSTER_KEY, load } from '../../config/sample.ts';
import { keyPair } from '../../support/pki.ts';

/** Both collectives' callers have one key each, so one folder holds the private keys of them all. */
const loaded = load(`${CLUSTER_KEY}ingresses:
  clients:
    type: mcollective-stomp
    servers: [stomp://localhost:1]
    callers: { keys_dir: callers }
    server_private_key: server.key
egresses:
  legacy:
    type: mcollective-stomp
    servers: [stomp://localhost:1]
    signing: { keys_dir: callers }
    server_public_key: server.pem
routes: [{ from: clients, to: legacy, collectives: [mcollective], identities: [{ regex: cert=(.+), to: cert=$1 }] }]
`);
const header = headerFor(loaded, { version: '0', clock: 0 });
const { publicKey } = keyPair('redacted alice');
const [CALLERS, SERVER] = ['/etc/mcbridge/callers', '/etc/mcbridge/server.pem'];
const file = 'a.cassette.ndjson';

describe('the keys of a redacted cassette', () => {
  it('verify what comes, and leave those of the same files alone that sign', async () => {
    const trust = { ingresses: { clients: { callers: { alice: publicKey } } } };
    const { sideKeys } = await replayConfigFor(loaded, { ...header, trust }, { file, throwAwayKeys: false });
    const ingress = sideKeys({ side: 'ingress', name: 'clients' });
    expect(ingress.read(`${CALLERS}/alice.pem`).toString()).toBe(publicKey);
    expect(ingress.list(CALLERS)).toEqual(['alice.pem']);
    const egress = sideKeys({ side: 'egress', name: 'legacy' });
    expect(() => egress.read(`${CALLERS}/alice.pem`)).toThrow('ENOENT');
  });

  it('stand for each file that verifies replies', async () => {
    const trust = { egresses: { legacy: { server_public_key: [publicKey] } } };
    const { sideKeys } = await replayConfigFor(loaded, { ...header, trust }, { file, throwAwayKeys: false });
    const { read } = sideKeys({ side: 'egress', name: 'legacy' });
    expect(read(SERVER).toString()).toBe(publicKey);
  });

  it('are refused where the configuration has no room for them', async () => {
    const trust = { egresses: { legacy: { server_public_key: [publicKey, publicKey] } } };
    await expect(
      replayConfigFor(loaded, { ...header, trust }, { file, throwAwayKeys: false }),
    ).rejects.toThrow(
      'a.cassette.ndjson: line 1: trust has 2 keys of egresses.legacy.server_public_key, and the configuration names 1',
    );
  });
});
