import { expect, test } from 'vitest';
import { checkWorkers, claimsBucket, claimsConnection, sharedBy } from '../../src/app/sharing.ts';
import type { LoadedConfig } from '../../src/config/load.ts';
import { legacyToChoria, load, refusalOf } from '../config/sample.ts';

const CLAIMS = 'claims: { link: choria }\n';
const read = (): Buffer => Buffer.from('pem');

const configured = (top = '', ingress: readonly string[] = [], maxTtl = '1h'): LoadedConfig =>
  load(legacyToChoria(ingress, `max_ttl: ${maxTtl}\n${top}`));

test('an ingress that shares nothing is refused with several workers, and only then', () => {
  expect(refusalOf(() => checkWorkers(configured(), 1))).toEqual([]);
  expect(refusalOf(() => checkWorkers(configured(CLAIMS), 4))).toEqual([]);
  expect(refusalOf(() => checkWorkers(configured(), 4))).toEqual([
    expect.stringMatching(
      /ingresses\.mco\.share: single is for one process, and 4 workers would each handle every broadcast: say claims or queue/,
    ),
  ]);
  const said = configured('', ['share: single']);
  expect(refusalOf(() => checkWorkers(said, 2))).toEqual([
    expect.stringContaining(':9:12: ingresses.mco.share:'),
  ]);
});

test('claims by a link have its servers and its TLS, and a bucket that outlives max_ttl by two minutes', () => {
  const { config } = configured(CLAIMS, [], '10m');
  expect(sharedBy('claims', config)).toEqual(['mco']);
  expect(claimsConnection(config, read)).toMatchObject({
    servers: ['tls://nats1.example.net:4222'],
    tls: { ca: 'pem', cert: 'pem', key: 'pem', verify: true },
  });
  expect(claimsBucket(config)).toMatchObject({ cluster: 'mcollective', maxAge: 720_000 });
});
