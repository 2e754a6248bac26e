import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { DISCOVERY_INTERVAL_SECONDS, discoveryTimes, nodesFields, nodesOf } from '../../src/config/nodes.ts';

const schema = z.strictObject(nodesFields()).transform(nodesOf);
const read = (value: unknown) => schema.parse(value);
const refused = (value: unknown): readonly unknown[] =>
  schema.safeParse(value).error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? [];

describe('who lives beyond an egress', () => {
  it('is learned alone, where the file says nothing', () => {
    expect(read({})).toEqual({
      nodes: [],
      discovery: { every: undefined, expire: undefined, caller: undefined },
    });
  });

  it('is said by globs, each once', () => {
    expect(read({ nodes: ['web*.example.net', 'db?', 'n1', 'db?'] }).nodes).toEqual([
      'web*.example.net',
      'db?',
      'n1',
    ]);
  });

  it.each([[['a b']], [['[ab]']], [['']], [['web.>']], [[1]], ['web*']])('is not said by %j', (nodes) => {
    expect(refused({ nodes })).toHaveLength(1);
  });

  it('is asked for in somebody’s name', () => {
    expect(read({ discovery: { caller: 'cert=mcbridge' } }).discovery.caller).toBe('cert=mcbridge');
    expect(refused({ discovery: { caller: 'mcbridge' } })).toEqual(['discovery.caller: is not allowed']);
  });

  it.each([
    ['needed', {}, true, 60, 180],
    ['not needed', {}, false, 0, 180],
    ['off', { every: 0 }, true, 0, 180],
    ['set, though not needed', { every: '10s' }, false, 10, 30],
    ['set with an expiry', { every: '1m', expire: '10m' }, true, 60, 600],
    ['needed, with an expiry alone', { expire: '2m' }, true, 60, 120],
  ])('is asked for where it is %s', (_, discovery, needed, every, expire) => {
    expect(discoveryTimes(read({ discovery }).discovery, needed)).toEqual({ every, expire });
  });

  it('is not forgotten between two questions', () => {
    expect(refused({ discovery: { every: '1m', expire: '119s' } })).toEqual([
      'discovery.expire: is less than two times 60 s (every), so that nodes which are there would be forgotten',
    ]);
    expect(refused({ discovery: { expire: '1m' } })).toHaveLength(1);
    expect(refused({ discovery: { every: 0, expire: '1s' } })).toEqual([]);
    expect(DISCOVERY_INTERVAL_SECONDS).toBe(60);
  });

  it('has no other keys', () => {
    expect(refused({ discovery: { evry: 1 } })).toHaveLength(1);
    expect(refused({ discovery: { every: 'often', expire: 'never' } })).toHaveLength(2);
  });
});
