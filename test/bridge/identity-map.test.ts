import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type IdentityRule, mapCaller } from '../../src/bridge/identity-map.ts';
import { isCallerId } from '../../src/envelope/check.ts';
import { Rejection } from '../../src/envelope/rejection.ts';

const exact = (name: string, to: string, privileged = false): IdentityRule => ({
  match: { kind: 'exact', name },
  to,
  privileged,
});
const regex = (pattern: RegExp, to: string, privileged = false): IdentityRule => ({
  match: { kind: 'regex', pattern },
  to,
  privileged,
});
/** The caller's name on the other side, or the reason code. */
const map = (caller: string, rules: readonly IdentityRule[], privileged: readonly RegExp[] = []): string => {
  try {
    return mapCaller(caller, { rules, privileged });
  } catch (error) {
    if (error instanceof Rejection) return error.code;
    throw error;
  }
};

describe('identity rules', () => {
  it('are asked in order, and the first that matches decides', () => {
    const rules = [
      exact('choria=root.mcollective', 'cert=admin'),
      regex(/choria=(.+)\.mcollective/, 'cert=$1'),
      regex(/choria=.+/, 'cert=guest'),
    ];
    expect(map('choria=root.mcollective', rules)).toBe('cert=admin');
    expect(map('choria=alice.mcollective', rules)).toBe('cert=alice');
    expect(map('choria=bob.choria', rules)).toBe('cert=guest');
    expect(map('choria=root.mcollective', [...rules].reverse())).toBe('cert=guest');
  });

  it('let nobody pass whom none of them names, and say who that is', () => {
    expect(map('choria=alice.mcollective', [])).toBe('no_mapping');
    expect(() =>
      mapCaller('choria=eve', { rules: [exact('choria=alice', 'cert=a')], privileged: [] }),
    ).toThrow(
      expect.objectContaining({
        code: 'no_mapping',
        message: expect.stringContaining('choria=eve'),
        context: { caller: 'choria=eve' },
      }),
    );
  });

  it.each(['choria=alice2', 'choria=alic', 'xchoria=alice', 'Choria=alice', 'choria=alice '])(
    'that are exact do not match %j',
    (caller) => {
      expect(map(caller, [exact('choria=alice', 'cert=alice')])).toBe('no_mapping');
    },
  );

  it.each([
    'xchoria=alice.mcollective',
    'choria=alice.mcollective.evil',
    'choria=.mcollective',
    'choria=alicexmcollective',
  ])('that are expressions match the whole name or not at all: %s', (caller) => {
    expect(map(caller, [regex(/choria=(.+)\.mcollective/, 'cert=$1')])).toBe('no_mapping');
  });

  it('are not fooled by a second line', () => {
    const rules = [regex(/^choria=alice$/m, 'cert=alice')];
    expect(map('choria=eve\nchoria=alice', rules)).toBe('no_mapping');
    expect(map('choria=alice\n', rules)).toBe('no_mapping');
  });

  it('match the same name twice in a row', () => {
    const rules = [regex(/choria=(.+)/g, 'cert=$1')];
    expect([map('choria=a', rules), map('choria=a', rules)]).toEqual(['cert=a', 'cert=a']);
  });

  it('put captures where they are wanted, all nine', () => {
    expect(map('choria=a.b', [regex(/choria=(\w+)\.(\w+)/, 'cert=$2-$1')])).toBe('cert=b-a');
    expect(map('choria=abcdefghi', [regex(/choria=(.)(.)(.)(.)(.)(.)(.)(.)(.)/, 'cert=$9$8$1')])).toBe(
      'cert=iha',
    );
  });

  it('make nothing of a group that took no part', () => {
    expect(map('choria=a', [regex(/choria=(?:(a)|(b))/, 'cert=x$1$2')])).toBe('cert=xa');
    expect(map('choria=a', [regex(/choria=a/, 'cert=$1')])).toBe('invalid_callerid');
  });

  it.each([
    ['choria=$2.x', 'invalid_callerid'],
    ['choria=$1.x', 'invalid_callerid'],
    ['choria=$&.x', 'invalid_callerid'],
    ['choria=../../etc.x', 'invalid_callerid'],
    ['choria=a/b.x', 'invalid_callerid'],
    ['choria=a\0b.x', 'invalid_callerid'],
    ['choria=a=b.x', 'invalid_callerid'],
    ['choria=a b.x', 'invalid_callerid'],
    ['choria=..x', 'invalid_callerid'],
  ])('take a capture for what it is, never as a pattern or a path: %j', (caller, code) => {
    expect(map(caller, [regex(/choria=(.+)(\.x)/s, 'cert=$1')])).toBe(code);
  });

  it('expand each reference once, so that what was captured stays as it was', () => {
    expect(() =>
      mapCaller('choria=$2-secret', { rules: [regex(/choria=(\$2)-(.+)/, 'cert=$1')], privileged: [] }),
    ).toThrow(expect.objectContaining({ message: expect.stringContaining('"cert=$2"') }));
  });

  it('yield nothing that is privileged there, unless the rule itself says so', () => {
    const privileged = [/\.privileged\.mcollective$/];
    const rule = regex(/cert=(.+)/, 'choria=$1');
    expect(map('cert=fed.privileged.mcollective', [rule], privileged)).toBe('privileged_mapping');
    expect(map('cert=fed.privileged.mcollective', [{ ...rule, privileged: true }], privileged)).toBe(
      'choria=fed.privileged.mcollective',
    );
    expect(map('cert=alice', [rule], privileged)).toBe('choria=alice');
  });

  it('do not go on to the next rule where one yields a privileged name', () => {
    const rules = [regex(/cert=(.+)/, 'choria=$1'), regex(/cert=(.+)/, 'choria=$1', true)];
    expect(map('cert=root', rules, [/root/])).toBe('privileged_mapping');
  });

  it('yield a caller id or nothing, whoever calls', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (name) => {
        const result = map(`choria=${name}`, [regex(/choria=(.*)/s, 'cert=$1')]);
        expect(result === 'invalid_callerid' || (isCallerId(result) && result === `cert=${name}`)).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });
});
