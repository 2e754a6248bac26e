import { createSecretKey } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { HELLO_MARKER, helloDestination } from '../../src/adapters/mcollective/wire/addressing.ts';
import { ShareConflict, type ShareConflictOptions } from '../../src/cluster/share-conflict.ts';
import type { Link } from '../../src/transport/link.ts';
import { createStompLink } from '../../src/transport/stomp/index.ts';
import { type ActiveMq, startActiveMq } from '../support/activemq.ts';
import { ADMIN, DAEMON, DOCUMENTED } from '../support/documented-acls.ts';

const MOST = 60_000;
/** Ms between hellos: three of them are longer than a busy machine pauses. */
const INTERVAL = 10_000;
const KEY = createSecretKey(Buffer.alloc(32, 1));
let broker: ActiveMq;
/** Ms by which clocks are put forward. */
let ahead = 0;
const closing: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  broker = await startActiveMq({ users: [DAEMON, ADMIN], acls: DOCUMENTED });
});
afterEach(async () => {
  ahead = 0;
  for (const close of closing.splice(0).toReversed()) await close();
});
afterAll(() => broker?.stop());

const connected = async (): Promise<Link> => {
  const { host, port } = broker;
  const link = createStompLink({
    servers: [{ host, port }],
    login: DAEMON.name,
    passcode: DAEMON.password,
    vhost: host,
    clock: Date.now,
    onEvent: () => undefined,
  });
  closing.push(() => link.close());
  await link.open();
  return link;
};

/** An instance whose ingress hears the collective's broadcasts, with an account as daemons have. */
const instance = async (
  name: string,
  changes: Partial<ShareConflictOptions> = {},
  destination = helloDestination('mcollective'),
) => {
  const events: Readonly<Record<string, unknown>>[] = [];
  const log = (fields: Readonly<Record<string, unknown>>): void => void events.push(fields);
  const conflict = new ShareConflict({
    headers: { [HELLO_MARKER]: 'test' },
    cluster: 'production',
    instance: name,
    keys: () => ({ key: KEY }),
    clock: () => Date.now() + ahead,
    log: { debug: log, info: log, warn: log, error: log },
    interval: INTERVAL,
    ...changes,
  });
  conflict.follow([
    { ingress: 'mco', link: await connected(), destination },
    { ingress: 'mco_yaml', link: await connected(), destination },
  ]);
  conflict.start();
  closing.push(() => conflict.stop());
  return { conflict, events };
};

test('two instances that handle the same broadcasts hear of each other, with an account of daemons', async () => {
  const one = await instance('1');
  const two = await instance('2');
  const heard = (it: typeof one): readonly unknown[] => it.conflict.conflicts();
  await vi.waitFor(() => expect([heard(one).length, heard(two).length]).toEqual([2, 2]), { timeout: MOST });
  expect(heard(one)).toContainEqual({ instance: '2', ingress: 'mco' });
  expect(heard(two)).toContainEqual({ instance: '1', ingress: 'mco_yaml' });
  // Each is told of once.
  expect(one.events).toMatchObject([
    { event: 'share_conflict', member: '2' },
    { event: 'share_conflict', member: '2' },
  ]);

  await two.conflict.stop();
  ahead = 3 * INTERVAL;
  await vi.waitFor(() => expect(heard(one)).toEqual([]), { timeout: MOST });
});

test('instances that change their key hear of each other at each step', async () => {
  const other = createSecretKey(Buffer.alloc(32, 3));
  const learns = await instance('1', { keys: () => ({ key: KEY, nextKey: other }) });
  const signs = await instance('2', { keys: () => ({ key: other, nextKey: KEY }) });
  await vi.waitFor(
    () => {
      expect(learns.conflict.conflicts()).toContainEqual({ instance: '2', ingress: 'mco' });
      expect(signs.conflict.conflicts()).toContainEqual({ instance: '1', ingress: 'mco' });
    },
    { timeout: MOST },
  );
});

test('those of another key or of another cluster are none, and so is what is no hello', async () => {
  const one = await instance('1');
  await instance('forger', { keys: () => ({ key: createSecretKey(Buffer.alloc(32, 2)) }) });
  await instance('other cluster', { cluster: 'other' });
  const link = await connected();
  for (const headers of [{}, { [HELLO_MARKER]: 'test' }])
    link.send({
      destination: helloDestination('mcollective'),
      headers,
      body: Buffer.from('registration '.repeat(10)),
      expires: Date.now() + MOST,
    });
  // What came before at the same topic has been heard by then.
  await instance('2');
  await vi.waitFor(() => expect(one.conflict.conflicts().length).toBe(2), { timeout: MOST });
  expect(one.events.map(({ member }) => member)).toEqual(['2', '2']);
});
