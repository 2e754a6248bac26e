import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { LOG_EVENTS } from '../../src/envelope/log-events.ts';

it('docs/log.md names each event of the log once, and no other', () => {
  const text = readFileSync(new URL('../../docs/log.md', import.meta.url), 'utf8');
  const named = text
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .flatMap((line) => [...(line.split('|')[1] ?? '').matchAll(/`([a-z_]+)`/g)].map(([, name]) => name));
  expect(named.toSorted()).toEqual(LOG_EVENTS.toSorted());
});
