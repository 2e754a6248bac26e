import { expect, it } from 'vitest';
import { z } from 'zod';
import { settled, until } from '../../world.ts';
import { capture, captureKey } from '../wire/support.ts';
import { makeFederation, type Seen } from './world.ts';

const transport = z.object({
  data: z.string(),
  headers: z.looseObject({ federation: z.looseObject({ req: z.string() }).optional() }),
});
const dataOf = ({ payload }: Pick<Seen, 'payload'>): string => transport.parse(JSON.parse(payload)).data;
const federationOf = ({ payload }: Pick<Seen, 'payload'>) =>
  transport.parse(JSON.parse(payload)).headers.federation;
/** What is compared: where it went, and every header. */
const asJson = ({ subject, payload }: Pick<Seen, 'subject' | 'payload'>) => [subject, JSON.parse(payload)];

const onCollective = capture('choria-v1.ndjson').filter((one) => federationOf(one) !== undefined);
const onFederation = capture('choria-v1-federated.ndjson').filter(
  ({ subject }) => !subject.endsWith('.stats'),
);
/** The first three requests found the brokers not up yet: nothing of them reached the collective. */
const requests = onFederation.filter(
  (one) =>
    one.subject.endsWith('.federation') &&
    onCollective.some((other) => federationOf(other)?.req === federationOf(one)?.req),
);
const passedOn = onCollective.filter(({ subject }) => !subject.endsWith('.collective'));
const replies = onCollective.filter(({ subject }) => subject.endsWith('.collective'));
const broughtHome = onFederation.filter(({ subject }) => subject.includes('.reply.'));

it('there are recorded messages for each of both brokers’ four ways', () => {
  expect([requests, passedOn, replies, broughtHome].map(({ length }) => length)).toEqual([4, 6, 10, 10]);
});

it.each(requests)('the request $at leaves as the recorded broker sent it', async (request) => {
  const world = await makeFederation({ now: request.at });
  world.request(request.payload);
  const sameRequest = passedOn.filter((one) => federationOf(one)?.req === federationOf(request)?.req);
  await until('all is passed on', () => world.collective.length >= sameRequest.length);
  await settled();
  expect(world.collective.map(asJson)).toEqual(sameRequest.map(asJson));
  for (const seen of world.collective) expect(dataOf(seen)).toBe(dataOf(request));
  expect(world.refusals()).toEqual([]);
  expect(world.other).toEqual([]);
});

it.each(replies)('the reply $at comes home as the recorded broker brought it', async (reply) => {
  const home = broughtHome.find((one) => dataOf(one) === dataOf(reply));
  if (home === undefined) throw new Error('that reply was not brought home');
  const world = await makeFederation({ now: reply.at });
  world.reply(reply.payload);
  await until('it is home', () => world.federation.length > 0);
  await settled();
  expect(world.federation.map(asJson)).toEqual([asJson(home)]);
  expect(world.refusals()).toEqual([]);
});

it('the recorded requests pass where they are verified, too', async () => {
  for (const request of requests) {
    const world = await makeFederation({
      now: request.at,
      ca: captureKey('ca.pem'),
      ingress: { opaque: new Map([['mcollective', { verify: true }]]) },
    });
    world.request(request.payload);
    await until('it is passed on', () => world.collective.length > 0);
    expect(world.refusals()).toEqual([]);
  }
});
