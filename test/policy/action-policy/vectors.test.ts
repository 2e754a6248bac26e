import { expect, test } from 'vitest';
import { readActionPolicy } from '../../../src/policy/action-policy/read.ts';
import type { Evaluator } from '../../../src/policy/evaluator.ts';
import { possible } from './outcomes.ts';
import { filesOf, type Implementation, question, settingsOf, type Vector, vectors } from './vectors.ts';

const evaluatorOf = (vector: Vector, who: Implementation): Evaluator =>
  readActionPolicy(settingsOf(vector, who), filesOf(vector.files)).evaluator;

/** What the bridge says, beside what the implementation said. */
const said = (vector: Vector, who: Implementation): string => {
  const { caller, agent, action } = vector.request;
  const { verdict, rule } = evaluatorOf(vector, who).decide(question(caller, agent, action));
  return `${vector.id} ${who}: ${verdict} by ${rule}, really ${vector.verdict[who]} by ${vector.why[who]}`;
};

const ALL = vectors();

test.for(['choria', 'puppet', 'go'] as const)(
  'what the bridge allows %s allowed, what it denies it refused, and what it leaves to nodes depends on them',
  { timeout: 300_000 },
  (who) => {
    const wrong: string[] = [];
    const needless: string[] = [];
    let decided = 0;
    for (const vector of ALL) {
      const { caller, agent, action } = vector.request;
      const { verdict } = evaluatorOf(vector, who).decide(question(caller, agent, action));
      if (verdict === 'defer') {
        if (possible(vector, who).size === 1) needless.push(said(vector, who));
        continue;
      }
      decided++;
      if ((verdict === 'allow') !== (vector.verdict[who] === 'allow')) wrong.push(said(vector, who));
    }
    expect({ wrong, needless }).toEqual({ wrong: [], needless: [] });
    expect(decided).toBeGreaterThan(ALL.length / 2);
  },
);
