import { describe, expect, it } from 'vitest';
import { mapCaller } from '../../src/bridge/identity-map.ts';
import { compilePattern } from '../../src/config/pattern/compile.ts';
import { ANY_CERTIFICATE_NAMES, CALLERS, CERTIFICATE_NAMES } from '../../src/config/pattern/meaning.ts';
import { run } from '../support/process.ts';
import { load, minimalWith, problemsOf } from './sample.ts';

const RULES = '    identities:';

/** What Ruby, Puppet and Go write, all of it for the names below. */
const ACCEPTED = [
  String.raw`/\Acert=admin\z/`,
  String.raw`\Acert=admin\Z`,
  String.raw`^cert=admin$\Z`,
  '/^CERT=ADMIN$/i',
  '(?i)^cert=ADMIN$',
  '(?i-mx:cert=ADMIN)',
  '(?-mix:^cert=admin$)',
  '^cert=[[:alpha:]]+$',
  '^cert=[[:alnum:]_]+$',
  '^cert=[^[:digit:]]+$',
  String.raw`^cert=\h+$`,
  String.raw`^cert=[\hx-z]+$`,
  String.raw`^cert=\H+$`,
  '^cert=(?<name>a.*n)$',
  '^cert=a{,3}dmin$',
  '^cert=a{1,3}dmin$',
  '^cert=ad??min$',
  String.raw`^cert\=ad\min\-?$`.replace(String.raw`\m`, 'm'),
  String.raw`cert=\w+\.example\.net$`,
  '^cert=(?:a|b)(?#one of two)',
  String.raw`\bcert=x`,
  '^(cert|up)=(.+)$',
  'cert=[]a]+$'.replace('[]a]', '[a]'),
  '^.*=admin',
];

const NAMES = [
  'cert=admin',
  'cert=administrator',
  'xcert=admin',
  'up=admin',
  'cert=ADMIN',
  'cert=cafe01',
  'cert=xyz',
  'cert=a',
  'cert=web1.example.net',
  'cert=dmin',
  'cert=aaadmin',
  'cert=a_1',
  'choria=alice.mcollective',
];

describe('a pattern', () => {
  it('means what Ruby takes it for, whatever its dialect writes', async () => {
    const script = String.raw`
      require 'json'
      patterns, names = JSON.parse(STDIN.read)
      puts JSON.generate(patterns.map { |text|
        slashed = text.match(%r{\A/(.*)/([a-z]*)\z}m)
        regex = slashed ? Regexp.new(slashed[1], slashed[2].include?('i')) : Regexp.new(text.sub(/\A\(\?i\)(.*)\z/m, '(?i:\1)'))
        names.map { |name| regex.match?(name) }
      })`;
    const input = JSON.stringify([ACCEPTED, NAMES]);
    const { status, stdout, stderr } = await run('sh', [
      '-c',
      'printf %s "$2" | ruby -W0 -e "$1"',
      '',
      script,
      input,
    ]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const ours = ACCEPTED.map((text) => NAMES.map((name) => compilePattern(text, CALLERS).test(name)));
    const ruby: unknown = JSON.parse(stdout);
    expect(ACCEPTED.map((text, index) => [text, ours[index]])).toEqual(
      ACCEPTED.map((text, index) => [text, Array.isArray(ruby) ? ruby[index] : undefined]),
    );
    // Each of them tells some names from others, or the comparison would show nothing.
    for (const verdicts of ours) expect(verdicts).toContain(true);
  });

  it.each([
    ['(?=cert)', '(?= looks ahead, which is not offered here'],
    ['^(?!root).*$', '(?! looks ahead'],
    ['(?<!x)admin', '(?<! looks behind'],
    ['(?>a+)', '(?> is an atomic group, which is not offered here; write (?:…)'],
    ['cert=a++', '++ is possessive, which is not offered here; write +'],
    [String.raw`(a)=\1`, String.raw`\1 refers back to a group`],
    [String.raw`(?<n>a)=\k<n>`, String.raw`\k refers back to a group`],
    [String.raw`cert=\G`, String.raw`\G is not offered here`],
    ['cert=[:alpha:]+', '[:alpha:] stands for its letters alone; write [[:alpha:]]'],
    ['cert=[a-z&&[^b]]', 'intersects sets as only Ruby does'],
    ['cert=[a[bc]]', 'has a set within a set'],
    ['cert=[a', '[ is not closed'],
    ['cert=[z-a]', 'there is no such set of characters'],
    [String.raw`cert=\p{Alpha}`, 'there is no such set of characters; letters are [[:alpha:]]'],
    ['(cert=.+', 'a group is not closed'],
    ['cert=a)', 'a group ends that did not begin'],
    ['*=admin', 'there is nothing to repeat; any text is .*'],
    [String.raw`cert=a\q`, 'this escape is not known'],
    ['/cert=a/x', '/x has the flag x, which is not known here; i is'],
    ['(?x) cert = a', 'has spaces and comments in the expression'],
    ['%r{^cert=a$}', '%r is how Ruby marks an expression'],
    ['/cert=a', '/ never stands in a caller'],
    ['cert=a b', 'a space never stands in a caller'],
    [String.raw`cert=admin\n`, String.raw`\n never stands in a caller`],
    ['a^cert=x', 'nothing can stand before ^'],
    ['cert=x$a', 'nothing can stand behind $'],
    [
      '^admin$',
      'it matches no caller: they are of the form choria=alice.mcollective or cert=alice, with "="',
    ],
  ])('is refused where it would mean another thing, or nothing: %s', (text, reason) => {
    expect(() => compilePattern(text, CALLERS)).toThrow(reason);
  });

  it('is refused where it is no name that such a certificate has', () => {
    expect(() => compilePattern('choria=alice', CERTIFICATE_NAMES)).toThrow(
      '= never stands in the name of a certificate: it is what stands behind the =',
    );
    // A certificate may have a mail address as its name, or a common name with spaces.
    expect(compilePattern('^ops team@example.net$', ANY_CERTIFICATE_NAMES).test('ops team@example.net')).toBe(
      true,
    );
  });

  it('takes time that grows with the text, whatever is repeated in it', () => {
    const name = `cert=${'a'.repeat(5000)}!`;
    for (const text of ['^cert=(a+)+$', '^cert=(a|aa)+$', 'cert=(.*a){20}$', '^(.*)=(.*)*$'])
      expect(compilePattern(text, ANY_CERTIFICATE_NAMES).test(name)).toBe(text === '^(.*)=(.*)*$');
  });

  it('gives its groups, also those that took no part', () => {
    const pattern = compilePattern('(?:cert|(up))=(.+)', CALLERS, true);
    expect(pattern.exec('cert=alice')).toEqual(['cert=alice', undefined, 'alice']);
    expect(pattern.exec('cert=alice ')).toEqual(['cert=alice ', undefined, 'alice ']);
    expect(pattern.exec('alice')).toBeNull();
    expect(pattern.groups).toBe(2);
  });

  it.each([
    ['^a$', 'both'],
    [String.raw`\Aa\z`, 'both'],
    [String.raw`(?i)^a$\Z`, 'both'],
    ['^(a|b)$', 'both'],
    ['(^a$|^b$)', 'both'],
    ['a', 'none'],
    ['^a$|b', 'none'],
    ['^a', 'start'],
    ['a$', 'end'],
    ['^a|b$', 'mixed'],
  ])('knows where it is held fast: %s', (text, anchors) => {
    expect(compilePattern(text, ANY_CERTIFICATE_NAMES).anchors).toBe(anchors);
  });
});

describe('a pattern of the configuration', () => {
  it.each([String.raw`/\Acert=admin\z/`, String.raw`\Acert=admin\Z`, '/^CERT=ADMIN$/i'])(
    'protects who it names: privileged: [%s]',
    (text) => {
      const { config } = load(
        minimalWith('    server_public_key', `    privileged: ['${text}']\n    server_public_key`),
      );
      const rules = config.routes[0]?.identities ?? [];
      const privileged = config.egresses.get('legacy')?.adapter.privileged ?? [];
      expect(() => mapCaller('choria=admin.mcollective', { rules, privileged })).toThrow('privileged');
      expect(mapCaller('choria=administrator.mcollective', { rules, privileged })).toBe('cert=administrator');
    },
  );

  it('is named with the reason and the place where it cannot be taken, in every list', () => {
    const text = minimalWith('    tls: {', `    callers: { allow: ['(?=a)'], privileged: ['['] }\n    tls: {`)
      .replace('    server_public_key', () => `    privileged: ['^admin$']\n    server_public_key`)
      .replace(RULES, () => `${RULES}\n      - { regex: 'cert', to: cert=x }`);
    expect(problemsOf(text).map((problem) => problem.replace(/;.*/, ''))).toEqual([
      'bridge.yaml:6:24: ingresses.federation.callers.allow[0]: "(?=a)" is not allowed: (?= looks ahead, which is not offered here',
      'bridge.yaml:6:47: ingresses.federation.callers.privileged[0]: "[" is not allowed: [ is not closed',
      'bridge.yaml:13:18: egresses.legacy.privileged[0]: "^admin$" is not allowed: it matches no caller: they are of the form choria=alice.mcollective or cert=alice, with "="',
      'bridge.yaml:20:18: routes[0].identities[0].regex: "cert" is not allowed: it matches no caller: they are of the form choria=alice.mcollective or cert=alice, with "="',
    ]);
  });

  it.each(['.*', 'web.*.', 'a..b', '^web', '/web/', 'web[12]', 'web(1|2)'])(
    'for nodes is a glob, and what can stand for no identity is none: %s',
    (glob) => {
      const [problem] = problemsOf(
        minimalWith('    server_public_key', `    nodes: ['${glob}']\n    server_public_key`),
      );
      expect(problem).toContain('with * for any text and ? for one character; no regular expression');
    },
  );
});
