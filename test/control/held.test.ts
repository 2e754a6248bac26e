import { expect, test } from 'vitest';
import { Held, prepareAll } from '../../src/control/held.ts';

const opener = () => {
  const events: string[] = [];
  const open = (place: string) => async () => {
    events.push(`open ${place}`);
    return { close: async () => void events.push(`close ${place}`) };
  };
  return { events, open };
};

test('the new one is open before the old one is closed', async () => {
  const { events, open } = opener();
  const held = new Held();
  for (const place of ['a', 'b']) await (await held.prepare(place, open(place))).commit();
  await (await held.prepare('b', open('b'))).commit();
  await (await held.prepare(undefined, open('none'))).commit();
  expect(events).toEqual(['open a', 'open b', 'close a', 'close b']);
});

test('where one of several cannot be had the others are closed again, and nothing has changed', async () => {
  const { events, open } = opener();
  const [one, other] = [new Held(), new Held()];
  await (await one.prepare('a', open('a'))).commit();
  const failing = (): Promise<never> => Promise.reject(new Error('taken'));
  const both = prepareAll([() => one.prepare('b', open('b')), () => other.prepare('c', failing)]);
  await expect(both).rejects.toThrow('taken');
  expect(events).toEqual(['open a', 'open b', 'close b']);
  expect(one.now).toBeDefined();
});

test('what could not be had, and need not be there, is tried again', async () => {
  const { events, open } = opener();
  const held = new Held();
  await (await held.prepare('a', async () => undefined)).commit();
  expect(held.now).toBeUndefined();
  await (await held.prepare('a', open('a'))).commit();
  expect(events).toEqual(['open a']);
});

test('what is ready too late, because all is closed, does not stay open', async () => {
  const { events, open } = opener();
  const held = new Held();
  const exchange = await held.prepare('a', open('a'));
  await held.close();
  await exchange.commit();
  expect(events).toEqual(['open a', 'close a']);
});

test('what somebody has removed from its place is opened there anew', async () => {
  const { events, open } = opener();
  const held = new Held();
  let isThere = true;
  const findable = async () => ({ ...(await open('a')()), isThere: () => isThere });
  for (const is of [true, true, false]) {
    isThere = is;
    await (await held.prepare('a', findable)).commit();
  }
  expect(events).toEqual(['open a', 'open a', 'close a']);
});
