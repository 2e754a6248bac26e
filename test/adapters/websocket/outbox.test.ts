import { expect, test } from 'vitest';
import { ByteBudget } from '../../../src/adapters/kit/byte-budget.ts';
import { Outbox } from '../../../src/adapters/websocket/calls/outbox.ts';
import { writeNotification } from '../../../src/adapters/websocket/wire/write.ts';

test('each reply that does not go out is counted once, also when the client takes no more of what waits', () => {
  const said: string[] = [];
  const budget = new ByteBudget(600, 'replies wait');
  const outbox = new Outbox({
    ...{ credit: 0, budget, say: (text: Buffer | string) => said.push(text.toString()) },
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

test('ten thousand replies of 200 bytes wait in the room that there is unless told', () => {
  const outbox = new Outbox({
    ...{ credit: 0, budget: new ByteBudget(8 * 1024 ** 2, 'replies wait'), say: () => undefined },
    gap: (missed) => `gap of ${missed}`,
  });
  const data = new Map([['text', 'x'.repeat(200)]]);
  for (let seq = 1; seq <= 10_000; seq++)
    outbox.put(() =>
      writeNotification('rpc.reply', {
        ...{ id: 'a'.repeat(32), seq, sender: `node${seq}.example.net` },
        ...{ statuscode: 0, statusmsg: 'OK', data },
      }),
    );
  expect(outbox.missed).toBe(0);
});
