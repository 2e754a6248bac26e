import { describe, expect, test } from 'vitest';
import type { DialectName } from '../../../src/policy/action-policy/dialects.ts';
import { type ActionPolicySettings, readActionPolicy } from '../../../src/policy/action-policy/read.ts';
import { question } from './vectors.ts';

type Texts = Readonly<Record<string, string | Uint8Array>>;

const read = (files: Texts, settings: Partial<ActionPolicySettings> = {}) =>
  readActionPolicy(
    { folder: 'policies', dialect: 'choria', ...settings },
    new Map(Object.entries(files).map(([name, text]) => [name, Buffer.from(text)])),
  );

const decide = (files: Texts, settings: Partial<ActionPolicySettings> = {}, caller = 'cert=alice') =>
  read(files, { strict: false, ...settings }).evaluator.decide(question(caller, 'puppet', 'status'));

const policy = (...lines: readonly string[]): Texts => ({
  'puppet.policy': lines.map((it) => `${it}\n`).join(''),
});

describe('a folder', () => {
  test('an agent without a file has the default file, or is refused', () => {
    const files = { 'fallback.policy': 'allow\t*\t*\t*\t*\n' };
    expect(decide(files)).toEqual({
      verdict: 'deny',
      rule: 'policies (no file)',
      reason: 'no policy is there for agent puppet',
    });
    expect(decide(files, { enableDefault: true, defaultName: 'fallback' })).toEqual({
      verdict: 'allow',
      rule: 'policies/fallback.policy:1',
    });
    expect(decide(files, { allowUnconfigured: true }).verdict).toBe('allow');
    expect(decide(files, { allowUnconfigured: true, dialect: 'go-choria' }).verdict).toBe('deny');
  });

  test('discovery is not asked for', () => {
    expect(read({}).evaluator.decide(question('cert=alice', 'discovery', undefined)).verdict).toBe('allow');
  });

  test('the name of an agent leads to no other folder', () => {
    const { evaluator } = read({ 'puppet.policy': 'policy default allow\n' });
    expect(evaluator.decide(question('cert=alice', '../policies/puppet', 'status')).verdict).toBe('deny');
  });

  test('what depends on a node is left to it, or refused where that is wished', () => {
    const files = policy('policy default deny', 'allow\t*\t*\tcountry=de\t*');
    const reason = 'it depends on facts or classes of the nodes, which are not known here';
    expect(decide(files)).toEqual({ verdict: 'defer', rule: 'policies/puppet.policy:2', reason });
    expect(decide(files, { unknown: 'deny' })).toEqual({
      verdict: 'deny',
      rule: 'policies/puppet.policy:2',
      reason,
    });
  });

  test('a deny that depends on a node says nothing where all else refuses', () => {
    expect(decide(policy('policy default deny', 'deny\t*\t*\tcountry=de\t*')).verdict).toBe('deny');
  });

  test('bytes that are no UTF-8 end the request with an error where they are reached', () => {
    const line = Buffer.from('# Z\xfcrich\n', 'latin1');
    const rule = Buffer.from('allow\tcert=alice\t*\t*\t*\n');
    expect(decide({ 'puppet.policy': Buffer.concat([line, rule]) }).verdict).toBe('deny');
    expect(decide({ 'puppet.policy': Buffer.concat([rule, line]) }).verdict).toBe('allow');
    expect(decide({ 'puppet.policy': Buffer.concat([line, rule]) }, { dialect: 'go-choria' }).verdict).toBe(
      'allow',
    );
    expect(decide({ 'puppet.policy': rule, groups: line })).toEqual({
      verdict: 'deny',
      rule: 'policies/groups:1',
    });
  });

  test('a line that is longer than Go reads ends the request with an error', () => {
    const files = (length: number): Texts => policy(`#${'x'.repeat(length)}`, 'allow\t*\t*\t*\t*');
    expect(decide(files(65_534), { dialect: 'go-choria' }).verdict).toBe('allow');
    expect(decide(files(65_535), { dialect: 'go-choria' }).verdict).toBe('deny');
    expect(decide(files(65_535)).verdict).toBe('allow');
  });
});

describe('callers', () => {
  test.each([
    ['/^cert=(?!bob)/', 'cert=alice', 'allow'],
    ['/^cert=(?!bob)/', 'cert=bob', 'deny'],
    ['/(a+)+$/', `cert=${'a'.repeat(200)}!`, 'deny'],
    // Steps: it looks ahead, and would try without end.
    ['/^(?=.)cert=(a|a)*$/', `cert=${'a'.repeat(200)}!`, 'defer'],
    ['/\\p{Greek}/', 'cert=alice', 'defer'],
    ['/[/', 'cert=alice', 'deny'],
  ])('%s for %s: %s', (callers, caller, verdict) => {
    expect(decide(policy(`allow\t${callers}\t*\t*\t*`), {}, caller).verdict).toBe(verdict);
  });

  // No vector has a group behind a pattern that is none.
  test.each([
    ['go-choria', '/[/ ops', 'allow'],
    ['go-choria', '/[/ cert=alice', 'deny'],
    ['choria', '/[/ ops', 'deny'],
    ['choria', 'ops /[/', 'deny'],
    ['choria', 'cert=alice /[/', 'allow'],
    ['puppet', '/[/ ops', 'allow'],
  ] as const)('%s looks at groups in its own order: %s', (dialect, callers, verdict) => {
    const files = { ...policy(`allow\t${callers}\t*\t*\t*`), groups: 'ops cert=alice\n' };
    expect(decide(files, { dialect }).verdict).toBe(verdict);
  });
});

describe('strict', () => {
  const faults = (dialect: DialectName, files: Texts): readonly string[] =>
    read(files, { dialect }).errors.map(
      ({ file, line, column, message }) => `${file}:${line}:${column}: ${message}`,
    );
  const lineFault = (dialect: DialectName, line: string): string | undefined =>
    faults(dialect, policy(line))[0]?.replace(/^policies\/puppet\.policy:1:\d+: /, '');

  test.each<[DialectName, string, string]>([
    ['choria', 'deny *  *  *', 'its fields stand apart by blanks instead of tabs'],
    ['choria', ' deny\t*\t*\t*\t*', 'a blank or a tab stands before the rule'],
    ['choria', 'DENY\t*\t*\t*\t*', 'is written in small letters'],
    ['choria', 'permit\t*\t*\t*\t*', 'a rule begins with allow or deny'],
    ['choria', 'deny\t*\t*', 'a rule has a verdict, callers, actions, facts and classes'],
    ['choria', 'deny\t*\t*\t*\ta\tb', '6 fields; classes are the last, "b", and "a" is lost'],
    ['choria', 'deny\t*\t*\tcores<=9\t*', 'facts are compared by = < > only, and <= never worked'],
    ['choria', 'deny\t*\t*\tcores!=9\t*', 'and != never worked'],
    ['choria', 'deny\tadmins\t*\t*\t*', '"admins" is no group that is defined'],
    ['choria', 'deny\tcert=a,cert=b\t*\t*\t*', 'not by commas'],
    ['choria', "deny\t*\t*\tnote=o'brien\t*", "' and \\ are code"],
    ['choria', 'deny\t*\t*\tpath=a\\b\t*', "' and \\ are code"],
    ['choria', 'deny\t*\t*\t*', 'the rule never matches: add *'],
    ['choria', 'deny\t*\t*\t*\t*\t', 'a tab or a blank stands at the end'],
    ['choria', 'deny\t*\t*\t*\t* ', 'a tab or a blank stands at the end'],
    ['choria', 'deny\t* \t*\t*\t*', 'a blank stands beside a tab'],
    ['choria', 'deny\t*\t*\t*\t*\r', 'a carriage return'],
    ['choria', '\ufeffpolicy default deny', 'a byte order mark'],
    ['choria', 'policy default allowed', 'the default is deny here'],
    ['choria', 'policy default allow-all', 'the default is allow here'],
    ['choria', 'policy default', 'the default is written as'],
    ['choria', ' # a comment', 'begins with # as the first character'],
    ['choria', 'deny\t/[/\t*\t*\t*', 'ends the request with an error: a set is not closed'],
    ['choria', 'deny\t/bob\t*\t*\t*', 'a pattern stands between two slashes'],
    ['choria', 'deny\t* cert=bob\t*\t*\t*', 'is everyone only where it stands alone'],
    ['choria', 'deny\t*\tsta*\t*\t*', 'none is called "sta*"'],
    ['choria', 'deny\t*\t*\tapache\t*', '"apache" is no comparison of a fact'],
    ['choria', 'deny\t*\t*\t*\ta=b', '"a=b" is a fact where a class is expected'],
    ['choria', 'deny\t*\t*\t*\t* a', 'the class * is every one only where it stands alone'],
    ['puppet', 'deny\t/bob/\t*\t*\t*', 'this dialect has no patterns for callers'],
    ['go-choria', 'deny\t*\t*\ta=b and c=d\t*', 'passes over the whole line'],
    ['go-choria', 'deny\t*\t*\ta=b', 'without a field for classes the whole request ends with an error'],
    ['go-choria', 'deny\t*\t*\tapache\t*', 'its facts or classes end the whole request with an error'],
    ['go-choria', 'deny\t/(?!a)/\t*\t*\t*', "is no pattern of Go's"],
    ['go-choria', 'deny\t*\t*\t*\ta  b', 'two blanks between classes are an empty class'],
  ])('%s: %j', (dialect, line, message) => {
    expect(lineFault(dialect, line)).toContain(message);
  });

  test.each<[DialectName, string, column: number]>([
    ['choria', ' deny\t*\t*\t*\t*', 2],
    ['choria', 'deny *  *  *', 1],
    ['choria', 'deny\t*\t*\t*\ta\tb', 12],
    ['choria', 'deny\t*\t*\tcores<=9\t*', 15],
    ['choria', 'deny\tcert=a  admins\t*\t*\t*', 14],
    ['choria', 'deny\tcert=a a,b cert=a,b\t*\t*\t*', 13],
    ['choria', "deny\t*\t\t*\t*\tnote=o'brien", 19],
    ['choria', 'deny\t*\t*\t*', 10],
    ['choria', 'deny\t*\t*\t*\t*\t', 13],
    ['choria', 'deny\tcert=a \t*\t*\t*', 12],
    ['choria', 'deny\t*\t*\t*\t*\r', 13],
    ['choria', 'deny\t*\tstatus sta*\t*\t*', 15],
    ['choria', 'deny\t*\t*\ta=b apache\t*', 14],
    ['choria', 'deny\t*\t*\t*\tapache a=b', 19],
    ['choria', 'deny\t*\t*\t*\ta *', 14],
    ['go-choria', 'deny\t*\t*\t*\ta=b and c=d', 12],
    ['go-choria', 'deny\t*\t*\ta=b', 13],
    ['go-choria', 'deny\t*\t*\tapache\t*', 10],
    ['go-choria', 'deny\t*\t*\t*\ta  b', 13],
  ])('%s: of %j the column is %i', (dialect, line, column) => {
    expect(read(policy(line), { dialect }).errors[0]).toMatchObject({ line: 1, column });
  });

  test.each<[DialectName, string]>([
    ['choria', 'policy default deny'],
    ['choria', 'policy default allow # open'],
    ['choria', '# a comment'],
    ['choria', ''],
    ['choria', 'allow\tcert=alice /^cert=b/\tstatus enable\tcountry=de cores=9\tapache role::web'],
    ['choria', 'deny\t*\t*\tcountry=de and (env=prod or apache)\t*'],
    ['choria', 'allow\t/^(.)\\1/\t*\t*\t*'],
    ['puppet', 'allow\tcert=alice\t*\t*\t*'],
    ['go-choria', 'allow\tcert=alice\t*\tcores>=9\t*'],
  ])('%s takes %j', (dialect, line) => {
    expect(lineFault(dialect, line)).toBeUndefined();
  });

  test('the lines of groups', () => {
    const groups = [
      'ops cert=a',
      '',
      '# none',
      'bad@name cert=a',
      'none',
      'ops cert=b',
      'web /a/',
      'all ops',
      'x  cert=a',
    ];
    expect(faults('choria', { groups: groups.join('\n') })).toEqual([
      'policies/groups:4:1: "bad@name" is no name of a group: letters, digits, and _ . -',
      'policies/groups:5:1: group none has no members',
      'policies/groups:6:1: group ops is defined before, in line 1, which does not count',
      'policies/groups:7:5: patterns are not for groups, and "/a/" matches nobody',
      'policies/groups:8:5: groups are not for groups, and "ops" is taken for a caller',
    ]);
    expect(faults('go-choria', { groups: 'x  cert=a\n\ty cert=b\n' })).toHaveLength(2);
  });

  test('of two defaults the first is one too many', () => {
    expect(faults('choria', policy('policy default allow', 'policy default deny'))).toEqual([
      'policies/puppet.policy:1:1: the default of line 2 counts, and this one does not',
    ]);
  });

  test('without it the same are warnings', () => {
    const { errors, warnings } = read(policy('deny *  *  *'), { strict: false });
    expect(errors).toEqual([]);
    expect(warnings).toMatchObject([{ file: 'policies/puppet.policy', line: 1 }]);
  });
});

test('the explanation names each line that was passed over, and why', () => {
  const files = policy(
    'policy default deny',
    'allow\tcert=bob\t*\t*\t*',
    'allow\tcert=alice\tenable\t*\t*',
    'deny *  *  *',
    'deny\tcert=alice\tstatus\tcountry=de\t*',
    'deny\tcert=alice\tstatus\t*\t*',
    'allow\t*\t*\t*\t*',
  );
  const { evaluator } = read(files, { strict: false });
  expect(evaluator.explain(question('cert=alice', 'puppet', 'status'))).toEqual({
    verdict: 'deny',
    rule: 'policies/puppet.policy:6',
    passed: [
      { rule: 'policies/puppet.policy:2', why: 'its callers, "cert=bob", do not include "cert=alice"' },
      { rule: 'policies/puppet.policy:3', why: 'its actions, "enable", do not include "status"' },
      { rule: 'policies/puppet.policy:4', why: 'it is no rule, and is ignored: "deny *  *  *"' },
      {
        rule: 'policies/puppet.policy:5',
        why: 'it depends on facts or classes of the node: facts "country=de", classes "*"',
      },
    ],
  });
});
