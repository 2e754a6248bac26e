import { expect, test } from 'vitest';
import { ByteBudget } from '../../../src/adapters/kit/byte-budget.ts';
import { Outbox } from '../../../src/adapters/websocket/calls/outbox.ts';

test('each reply that does not go out is counted once, also when the client takes no more of what waits', () => {
  const said: string[] = [];
  const budget = new ByteBudget(600, 'replies wait');
  const outbox = new Outbox({
    ...{ credit: 0, budget, say: (text: string) => said.push(text) },
    gap: (missed) => `gap of ${missed}`,
  });
  outbox.open();
  let refused = 0;
  for (const text of ['1', '2', '3', '4', '5'])
    try {
      outbox.put(() => text);
    } catch {
      refused++;
    }
  expect({ refused, missed: outbox.missed }).toEqual({ refused: 3, missed: 3 });
  outbox.abandon();
  expect({ said, missed: outbox.missed }).toEqual({ said: ['gap of 5'], missed: 5 });
});
