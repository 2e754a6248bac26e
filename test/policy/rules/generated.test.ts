import { expect, it } from 'vitest';
import { stringify } from 'yaml';
import { randomOf } from '../../support/random.ts';
import { runs, seed } from '../../support/seed.ts';
import { fileOf, questionFrom } from './generated.ts';
import { evaluatorOf } from './rules.ts';
import { secondOpinion } from './second-opinion.ts';

const QUESTIONS = 1000;

it('200,000 requests are decided by generated rules as a second evaluator decides them', () => {
  const start = seed();
  const verdicts = { allow: 0, deny: 0, defer: 0 };
  const files = runs(200);
  for (let number = 0; number < files; number++) {
    const random = randomOf(start + number);
    const plain = fileOf(random);
    const rules = plain.rules.map((rule, index) => ({ name: `rule-${index}`, ...rule }));
    const text = stringify({ ...plain, rules });
    const evaluator = evaluatorOf(text);
    for (let asked = 0; asked < QUESTIONS; asked++) {
      const question = questionFrom(random);
      const outcome = evaluator.decide(question);
      const wanted = secondOpinion(plain, question, (index) => `rule-${index}`);
      verdicts[wanted.verdict]++;
      if (JSON.stringify(sorted(outcome)) !== JSON.stringify(sorted(wanted)))
        expect(
          outcome,
          `seed ${start + number}, question ${asked}: ${JSON.stringify(question)}\n${text}`,
        ).toEqual(wanted);
      const { passed: _, ...explained } = evaluator.explain(question);
      if (JSON.stringify(sorted(explained)) !== JSON.stringify(sorted(wanted)))
        expect(explained, `seed ${start + number}`).toEqual(wanted);
    }
  }
  // Rules that allow or refuse everything would show nothing.
  const all = files * QUESTIONS;
  expect(verdicts.allow).toBeGreaterThan(all / 20);
  expect(verdicts.deny).toBeGreaterThan(all / 20);
  expect(verdicts.defer).toBeGreaterThan(all / 50);
});

/** The same whatever the order of its keys. */
const sorted = (value: object): object =>
  Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, part]) => [key, typeof part === 'object' && part !== null ? sorted(part) : part]),
  );
