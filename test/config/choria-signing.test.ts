import { describe, expect, it } from 'vitest';
import { load, MINIMAL, problemsOf, settingsOf } from './sample.ts';

const signing = (section: string): string =>
  MINIMAL.replace(
    'egresses:\n',
    `egresses:
  choria:
    type: choria-collective
    servers: [nats://nats2.example.net:4222]
    tls: { ca: ca.pem, cert: cert.pem, key: key.pem }
    signing: ${section}
`,
  );

const loaded = (section: string): unknown => {
  const it = settingsOf(load(signing(section)), 'choria');
  return it !== undefined && 'signing' in it ? it.signing : undefined;
};

const own = { cert: '/etc/mcbridge/c.pem', key: '/etc/mcbridge/c.key' };

describe('the signing of a choria-collective', () => {
  it('is with one certificate for all', () => {
    expect(loaded('{ cert: c.pem, key: c.key }')).toEqual({ kind: 'privileged', own });
  });

  it('is with a folder of callers’ own, beside which one may ask who is there', () => {
    const folder = '/etc/mcbridge/certs';
    expect(loaded('{ certs_dir: certs }')).toEqual({ kind: 'callers', folder, own: undefined });
    expect(loaded('{ certs_dir: certs, cert: c.pem, key: c.key }')).toEqual({ kind: 'callers', folder, own });
  });

  it.each([
    ['{ cert: c.pem }', 'cert and key belong together: give both'],
    ['{ certs_dir: certs, key: c.key }', 'cert and key belong together: give both'],
    ['{}', 'give certs_dir, or cert and key, or all of them'],
  ])('is not %s', (section, why) => {
    expect(problemsOf(signing(section))).toEqual([`bridge.yaml:12:14: egresses.choria.signing: ${why}`]);
  });
});
