import { describe, expect, it } from 'vitest';
import { LinkError } from '../../src/transport/link.ts';
import { clientRequest, makeFederation } from '../adapters/choria/collective/world.ts';
import { replyTo } from '../adapters/daemon.ts';
import { makeWorld, settled, until } from '../adapters/world.ts';
import { type HeldLink, holdLink } from '../support/held-link.ts';

const NODES = ['n1.example.net', 'n2.example.net'];
const tooLarge = () => new LinkError('too_large', 'it is larger than the server allows (max_payload 1000)');

/** An opaque request to two nodes that the egress's link has taken. */
const opaque = async (headers: Readonly<Record<string, unknown>> = {}) => {
  let held: HeldLink | undefined;
  const world = await makeFederation({
    link: (link) => {
      held = holdLink(link);
      return held.link;
    },
  });
  const targets = NODES.map((node) => `mcollective.node.${node}`);
  const request = clientRequest({ targets, headers });
  world.request(request.payload);
  await until('the link has it', () => held?.held.length === 2);
  const answers = () =>
    world.federation
      .filter(({ subject }) => subject === request.replyTo)
      .map(({ payload }) => Buffer.from(JSON.parse(payload).data, 'base64').toString());
  return {
    ...world,
    ...request,
    answers,
    refuse: (error: LinkError, count?: number) => held?.refuse(error, count),
  };
};

describe('a request that was taken and cannot be sent after all', () => {
  it('is answered where it passes through', async () => {
    const { answers, refuse, refusals, bridge, log } = await opaque();
    refuse(tooLarge());
    await until('it is answered', () => answers().length > 0);
    expect(answers()).toEqual([expect.stringContaining('max_payload 1000) (too_large)')]);
    expect(refusals()).toEqual(['too_large']);
    expect(log.filter(({ fields }) => fields['event'] === 'request')).toEqual([]);
    expect(bridge.inFlight).toBe(0);
  });

  it('is answered where some of its messages went out, and says how many', async () => {
    const { answers, refuse, bridge } = await opaque();
    refuse(tooLarge(), 1);
    await until('it is answered', () => answers().length > 0);
    expect(answers()).toEqual([expect.stringContaining('only 1 of its 2 messages went out')]);
    // Whoever got it may answer.
    expect(bridge.inFlight).toBe(1);
  });

  it('is counted and logged, not answered, where its time ended', async () => {
    const { answers, refuse, refusals, log } = await opaque();
    refuse(new LinkError('expired', 'its time ended while it waited to be sent'), 1);
    await settled();
    expect(refusals()).toEqual(['expired']);
    expect(log).toContainEqual(
      expect.objectContaining({
        level: 'info',
        message: 'rejected: only 1 of its 2 messages went out: its time ended while it waited to be sent',
      }),
    );
    expect(answers()).toEqual([]);
  });

  it('is answered where it was translated', async () => {
    let held: HeldLink | undefined;
    const world = await makeWorld({
      links: {
        egress: (link) => {
          held = holdLink(link);
          return held.link;
        },
      },
    });
    const id = world.client.send({ nodes: NODES });
    await until('the link has it', () => held?.held.length === 2);
    held?.refuse(tooLarge());
    await until('it is answered', () => world.client.replies.length > 0);
    expect(world.client.replies).toMatchObject([{ requestId: id, status: 5 }]);
    expect(world.bridge.inFlight).toBe(0);
    expect(world.bridge.stats.snapshot().rejected).toEqual({ too_large: 1 });
  });
});

describe('a reply that was taken and cannot be sent after all', () => {
  const replyRouter = async () => {
    let held: HeldLink | undefined;
    const world = await makeWorld({
      drainTimeout: 3_600_000,
      links: {
        ingress: (link) => {
          held = holdLink(link);
          return held.link;
        },
      },
    });
    world.client.send({ nodes: NODES.slice(0, 1) });
    await until('the request is sent', () => world.frames.length === 1);
    const [frame] = world.frames;
    if (frame === undefined || held === undefined) throw new Error('no frame');
    world.toBridge(frame.replyTo ?? '', await replyTo(frame));
    const taken = held;
    await until('the link has the reply', () => taken.held.length === 1);
    return { ...world, held: taken };
  };
  const textOf = ({ held }: HeldLink): readonly string[] =>
    held.map(({ body }) => Buffer.from(JSON.parse(Buffer.from(body).toString()).data, 'base64').toString());

  it('is answered in its node’s name, once', async () => {
    const { held, bridge, refusals } = await replyRouter();
    held.refuse(tooLarge());
    expect(textOf(held)).toEqual([
      expect.stringContaining('the reply of n1.example.net could not be sent: it is larger'),
    ]);
    held.refuse(tooLarge());
    expect(held.held).toEqual([]);
    expect(refusals()).toHaveLength(2);
    expect(bridge.stats.errors().reply).toBe(2);
  });

  it('is only counted where its time ended, or the link was closed: the link says how many they were', async () => {
    for (const code of ['expired', 'closed'] as const) {
      const { held, bridge, refusals } = await replyRouter();
      held.refuse(new LinkError(code, 'too late'));
      expect(held.held).toEqual([]);
      expect(refusals()).toEqual([]);
      expect(bridge.stats.errors().reply).toBe(1);
    }
  });

  it('keeps a bridge that stops until it is out', async () => {
    const { held, bridge } = await replyRouter();
    let stopped = false;
    const stopping = bridge.stop().then(() => {
      stopped = true;
    });
    // Longer than it takes to look again whether all is done.
    for (const end = performance.now() + 300; performance.now() < end; ) await settled();
    expect(stopped).toBe(false);
    held.release();
    await stopping;
  });
});
