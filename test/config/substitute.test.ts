import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Secret } from '../../src/config/secret.ts';
import { substitute } from '../../src/config/substitute.ts';
import { load, minimalWith, problemsOf, settingsOf } from './sample.ts';

const ENV = { NAME: 'alice', EMPTY: '', YAML: 'x\ncluster: "evil"' };

describe('substitution', () => {
  it.each([
    [`\${NAME}`, 'alice'],
    [`a-\${NAME}-b-\${NAME}`, 'a-alice-b-alice'],
    [`\${NOPE:-bob}`, 'bob'],
    [`\${NAME:-bob}`, 'alice'],
    [`\${EMPTY:-bob}`, 'bob'],
    [`\${NOPE:-}`, ''],
    [`\${EMPTY:-}`, ''],
    [`$\${NAME}`, `\${NAME}`],
    ['$Name cert=$1 $', '$Name cert=$1 $'],
    ['^alice$|^BOB$', '^alice$|^BOB$'],
    ['$$NAME', '$NAME'],
    ['pa$$WORD', 'pa$$WORD'],
  ])('makes %s into %s', (text, result) => {
    expect(substitute(text, ENV)).toEqual({ text: result, errors: [] });
  });

  it('says of a variable that is empty that it is', () => {
    expect(substitute(`a\${EMPTY}`, ENV).errors).toEqual([
      `the environment variable EMPTY is set but empty; \${EMPTY:-} where that is meant`,
    ]);
  });

  it('says of a variable of spaces that it is one', () => {
    expect(substitute(`\${SPACES}`, { SPACES: ' \t\n' }).errors).toEqual([
      `the environment variable SPACES holds only spaces; \${SPACES:-} where none is meant`,
    ]);
  });

  it('names every variable that is not set', () => {
    expect(substitute(`\${A} \${NAME} \${B}`, ENV).errors).toEqual([
      'the environment variable A is not set',
      'the environment variable B is not set',
    ]);
  });

  it.each([`\${`, `\${}`, `\${1A}`, `\${A-B}`, `\${NAME`])('refuses %s', (text) => {
    expect(substitute(text, ENV).errors).toHaveLength(1);
  });

  it('does not look at what it has put in', () => {
    expect(substitute(`\${A}`, { A: `\${NAME}`, NAME: 'x' }).text).toBe(`\${NAME}`);
  });
});

describe('the environment in a configuration', () => {
  it('is put into text after parsing, so that a value never becomes YAML', () => {
    expect(problemsOf(minimalWith('ingresses:', `identity: \${YAML}\ningresses:`), ENV)).toEqual([
      `bridge.yaml:2:11: identity: "\${YAML}" is not allowed; allowed: a host name such as mcbridge1.example.net`,
    ]);
  });

  it('gives a password with any characters', () => {
    const text = minimalWith('    signing:', `    user: u\n    password: \${PW}\n    signing:`);
    const loaded = load(text, { PW: ' : #{"]$1' });
    const { password } = z.object({ password: z.instanceof(Secret) }).parse(settingsOf(loaded, 'legacy'));
    expect(password.reveal()).toBe(' : #{"]$1');
  });

  it('gives numbers and truths too', () => {
    const text = minimalWith('    signing:', `    priority: \${P}\n    base64: \${B}\n    signing:`);
    expect(settingsOf(load(text, { P: '7', B: 'true' }), 'legacy')).toMatchObject({
      priority: 7,
      base64: true,
    });
  });

  it('is not put into keys', () => {
    expect(problemsOf(minimalWith('ingresses:', `"\${NAME}": a\ningresses:`), ENV).join()).toContain(
      'unknown key',
    );
  });

  it('says where a variable stands that is not set, and nothing else of that key', () => {
    expect(problemsOf(minimalWith('server.pem', `\${KEY_FILE}`))).toEqual([
      'bridge.yaml:12:24: egresses.legacy.server_public_key: the environment variable KEY_FILE is not set',
    ]);
  });
});
