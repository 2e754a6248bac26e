import { expect, test } from 'vitest';
import { keyChanges } from '../../src/setup/changes.ts';
import { load, MINIMAL } from '../config/sample.ts';

const written = (text: string) => load(text).written;

test('a configuration is no other than itself', () => {
  expect(keyChanges(written(MINIMAL), written(MINIMAL))).toEqual({ added: [], removed: [], changed: [] });
});

test('keys that have come, gone and got another value are told by their paths, and never their values', () => {
  const next = MINIMAL.replace(/cluster_key: \w+/, `cluster_key: ${'s3cr3t-'.repeat(8)}`)
    .replace('collectives: [mcollective]', 'collectives: [mcollective, extra]')
    .replace(
      '    signing: { keys_dir: keys }',
      "    user: a\n    password: 'hunter2'\n    signing: { keys_dir: keys }",
    )
    .replace(
      'regex: choria=(.+)\\.mcollective\n        to: cert=$1',
      'exact: choria=alice.mcollective\n        to: cert=alice',
    );
  const changes = keyChanges(written(MINIMAL), written(next));
  expect(changes).toEqual({
    added: [
      'egresses.legacy.user',
      'egresses.legacy.password',
      'routes[0].collectives[1]',
      'routes[0].identities[0].exact',
    ],
    removed: ['routes[0].identities[0].regex'],
    changed: ['cluster_key', 'routes[0].identities[0].to'],
  });
  expect(JSON.stringify([changes, [...written(next)]])).not.toMatch(/s3cr3t|hunter2/);
});

test('a value that a variable gives is another where the variable is', () => {
  const text = MINIMAL.replace(/cluster_key: .*/, `cluster_key: \${KEY}`);
  const changes = keyChanges(
    load(text, { KEY: 'a'.repeat(32) }).written,
    load(text, { KEY: 'b'.repeat(32) }).written,
  );
  expect(changes).toEqual({ added: [], removed: [], changed: ['cluster_key'] });
});
