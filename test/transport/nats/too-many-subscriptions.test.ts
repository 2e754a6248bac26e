import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LinkFailure } from '../../../src/transport/failure/failure.ts';
import { type NatsServer, startNatsServer } from '../../support/nats-server.ts';
import { closeLinks, linkErrorOf, linkTo, listen, message, type RecordedLink } from './harness.ts';

const PATIENT = { timeout: 60_000 };
const MOST = 3;
const SUBJECTS = ['a', 'b', 'c', 'd', 'e'];
let server: NatsServer;

beforeEach(async () => {
  server = await startNatsServer({ extra: `max_subscriptions: ${MOST}` });
});
afterEach(async () => {
  await closeLinks();
  await server.stop();
});

const deniedOf = (link: RecordedLink): readonly string[] =>
  (link.state().denied ?? []).map(({ right }) => right.destination);

/** Subscribes to all subjects; a message to each comes to those that hear it, once. */
const subscribed = (link: RecordedLink) => {
  const heard: string[] = [];
  const subscriptions = SUBJECTS.map((destination) =>
    link.subscribe({ destination, onMessage: (it) => heard.push(it.destination) }),
  );
  for (const one of subscriptions) one.catch(() => undefined);
  const hears = async (subjects: readonly string[]): Promise<void> => {
    heard.length = 0;
    for (const subject of SUBJECTS) link.send(message(subject, ''));
    await vi.waitFor(() => expect(heard.toSorted()).toEqual(subjects.toSorted()), PATIENT);
  };
  return { subscriptions, hears };
};

const heardOf = (link: RecordedLink): readonly string[] => {
  const denied = deniedOf(link);
  return SUBJECTS.filter((subject) => !denied.includes(subject));
};

test('those that a server has no room for are told one by one, and the others hear', async () => {
  const link = linkTo([server]);
  await link.open();
  const { hears } = subscribed(link);
  await vi.waitFor(() => expect(deniedOf(link)).toHaveLength(SUBJECTS.length - MOST), PATIENT);
  const [denial] = link.of('denied');
  expect(denial?.error).toBeInstanceOf(LinkFailure);
  expect(denial?.error).toMatchObject({ kind: 'too-many-subscriptions', code: 'refused' });
  expect(denial?.error.message).toBe(
    `${server.url}: it takes no more subscriptions of this client (maximum subscriptions exceeded)`,
  );
  expect(denial?.error.hint()).toContain('max_subscriptions');
  expect(link.state().unconfirmed?.toSorted()).toEqual(deniedOf(link).toSorted());
  await hears(heardOf(link));
});

test('one is heard as soon as there is room, also after a new connection', async () => {
  const link = linkTo([server]);
  await link.open();
  const { subscriptions, hears } = subscribed(link);
  await vi.waitFor(() => expect(deniedOf(link)).toHaveLength(SUBJECTS.length - MOST), PATIENT);
  const granted = heardOf(link);
  await server.restart();
  await vi.waitFor(() => {
    expect(link.of('connected')).toHaveLength(2);
    expect(deniedOf(link)).toHaveLength(SUBJECTS.length - MOST);
    expect(link.state().unconfirmed).toHaveLength(SUBJECTS.length - MOST);
  }, PATIENT);
  await hears(heardOf(link));
  // Two of those that were granted first leave.
  for (const subject of granted.slice(0, 2))
    await (await subscriptions[SUBJECTS.indexOf(subject)])?.unsubscribe();
  await vi.waitFor(() => expect(link.state().denied).toBeUndefined(), PATIENT);
  await hears(SUBJECTS.filter((subject) => !granted.slice(0, 2).includes(subject)));
});

test('whoever fails fast is told, and so is whoever asks for a proof', async () => {
  const link = linkTo([server], { failFast: true });
  await link.open();
  await Promise.all(SUBJECTS.slice(0, MOST).map((subject) => listen(link, subject)));
  const proof = async () => link.prove?.({ kind: 'subscribe', destination: 'more' });
  for (const attempt of [() => listen(link, 'more'), proof])
    expect(await linkErrorOf(attempt)).toMatchObject({ kind: 'too-many-subscriptions' });
  // The proof has left nothing behind.
  expect(link.state().denied).toBeUndefined();
});
