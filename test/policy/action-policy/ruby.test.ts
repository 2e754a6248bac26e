import { expect, test } from 'vitest';
import { readActionPolicy } from '../../../src/policy/action-policy/read.ts';
import { compileRubyPattern } from '../../../src/policy/action-policy/ruby-pattern/compile.ts';
import { askRuby } from '../../support/action-policy-ruby.ts';
import { randomOf } from '../../support/random.ts';
import { runs, seed } from '../../support/seed.ts';
import { anyCaller, anyPattern, anyVector } from './generate.ts';
import { DIALECT_OF, question, vectors } from './vectors.ts';

const ALL = vectors();

test.for(['choria', 'puppet'] as const)(
  "the %s of the tests, in the machine's own Ruby, says what the recorded one said",
  (who) => {
    const some = ALL.filter((_, index) => index % 10 === 0);
    const said = askRuby(some.map((vector) => ({ ...vector, dialect: who })));
    expect(said).toEqual(some.map(({ verdict }) => verdict[who]));
  },
);

test.for(['choria', 'puppet'] as const)(
  'what is allowed and denied as %s does is so in Ruby, for folders that nobody recorded',
  (who) => {
    const from = seed();
    const next = randomOf(from);
    const cases = Array.from({ length: runs(60_000) }, () => anyVector(ALL, next));
    const said = askRuby(cases.map((it) => ({ ...it, dialect: who })));
    const wrong = cases.flatMap((it, index) => {
      const { caller, agent, action } = it.request;
      const { evaluator } = readActionPolicy(
        {
          folder: 'policies',
          dialect: DIALECT_OF[who],
          strict: false,
          allowUnconfigured: it.options.allow_unconfigured ?? false,
          enableDefault: it.options.enable_default ?? false,
          defaultName: it.options.default_name ?? 'default',
        },
        new Map(
          Object.entries(it.files).map(([path, text]) => [path.replace('policies/', ''), Buffer.from(text)]),
        ),
      );
      const { verdict, rule } = evaluator.decide(question(caller, agent, action));
      const isRight = verdict === 'defer' || (verdict === 'allow') === (said[index] === 'allow');
      return isRight ? [] : [{ it, verdict, rule, said: said[index] }];
    });
    expect(wrong, `seed ${from}`).toEqual([]);
  },
);

test('a pattern finds a name where Ruby finds it, and is refused where Ruby refuses it', () => {
  const from = seed();
  const next = randomOf(from);
  const cases = Array.from({ length: runs(100_000) }, () => ({
    pattern: anyPattern(next),
    name: anyCaller(next),
  }));
  const said = askRuby(cases);
  const known = { yes: 0, no: 0, broken: 0, unknown: 0 };
  const wrong = cases.flatMap(({ pattern, name }, index) => {
    const compiled = compileRubyPattern(pattern);
    const found =
      compiled.kind === 'pattern' ? compiled.find(name) : compiled.kind === 'broken' ? 'broken' : 'unknown';
    known[found]++;
    return found === 'unknown' || found === said[index]
      ? []
      : [`${pattern} in ${name}: ${found}, really ${said[index]}`];
  });
  expect(wrong, `seed ${from}`).toEqual([]);
  // Few are not known, or it proves nothing.
  expect(known.unknown).toBeLessThan(cases.length / 3);
  expect(Math.min(known.yes, known.no, known.broken)).toBeGreaterThan(cases.length / 20);
});
