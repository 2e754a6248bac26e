import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { RequestCoalescer } from '../../src/adapters/kit/request-coalescer.ts';
import { Wires } from '../../src/page/wires.ts';
import { MemoryBroker, NATS_RULES } from '../../src/transport/memory/broker.ts';
import type { LinkSide, LinkSpec } from '../../src/transport/spec.ts';

const FOREVER = Number.POSITIVE_INFINITY;

/** A bridge of one line: what comes on `in` goes out on `out`, by whatever way a test has. */
const bridged = async (onMessage: (body: string, send: (body: string) => void) => void) => {
  const broker = new MemoryBroker(NATS_RULES);
  const wires = new Wires();
  const sent: string[] = [];
  const follow = (): void =>
    wires.follow((flow, _, message) => {
      const { link, body, bytes } = message();
      sent.push(`${flow} ${link} ${body ?? bytes}`);
    });
  const { open } = wires.wrap({ open: () => broker.link() });
  // Of a spec only its name counts here.
  const linkOf = (name: LinkSide) => open({ name, side: name } as LinkSpec, {} as never);
  const [ingress, egress, client] = [linkOf('ingress'), linkOf('egress'), broker.link()];
  for (const link of [ingress, egress, client]) await link.open();
  const send = (body: string): void =>
    egress.send({ destination: 'out', body: Buffer.from(body), expires: FOREVER });
  await ingress.subscribe({ destination: 'in', onMessage: ({ body }) => onMessage(body.toString(), send) });
  const ask = (body: string): void =>
    client.send({ destination: 'in', body: Buffer.from(body), expires: FOREVER });
  return { wires, sent, follow, ask, send, egress, client };
};

describe('the bytes of a request', () => {
  it('are those that it came as and went out as, however many are at work at once', async () => {
    const came: string[] = [];
    let done = 0;
    const { wires, sent, follow, ask, send } = await bridged(async (body, out) => {
      for (let turns = body === 'slow' ? 20 : 2; turns > 0; turns--) await turn();
      came.push(`flow of ${body}: ${wires.taken(`flow of ${body}`, 'ingress')?.body}`);
      await turn();
      out(`${body}, translated`);
      done++;
    });
    follow();
    ask('slow');
    ask('quick');
    while (done < 2) await turn();
    send('of nobody');
    expect(came).toEqual(['flow of quick: quick', 'flow of slow: slow']);
    expect(sent).toEqual(['flow of quick egress quick, translated', 'flow of slow egress slow, translated']);
  });

  it('are told apart where several are put together in one turn', async () => {
    const came: string[] = [];
    const coalescer = new RequestCoalescer({
      take: ({ body }) => void came.push(`${body}: ${wires.taken(`flow of ${body}`, 'ingress')?.body}`),
      quiet: 1,
    });
    const { wires, follow, ask } = await bridged((body) =>
      coalescer.add({ destination: 'in', headers: {}, body: Buffer.from(body) }, 'node'),
    );
    follow();
    ask('one');
    ask('two');
    while (came.length < 2) await turn();
    expect(came).toEqual(['one: one', 'two: two']);
  });

  it('are unknown of another ingress, and for a second flow of one message', async () => {
    const found: unknown[] = [];
    const { wires, follow, ask } = await bridged(() => {
      found.push(
        wires.taken('f1', 'another'),
        wires.taken('f1', 'ingress')?.bytes,
        wires.taken('f2', 'ingress'),
      );
    });
    follow();
    ask('bytes');
    while (found.length < 3) await turn();
    expect(found).toEqual([undefined, 5, undefined]);
  });

  it('are handed over once, and held no longer by what goes on after it', async () => {
    const found: unknown[] = [];
    const { wires, sent, follow, ask } = await bridged((body, out) => {
      found.push(wires.taken('f1', 'ingress')?.bytes, wires.taken('f1', 'ingress'));
      out(body);
    });
    follow();
    ask('bytes');
    while (found.length < 2) await turn();
    expect(found).toEqual([5, undefined]);
    expect(sent).toEqual(['f1 egress bytes']);
  });

  it('are not followed from an egress, nor any more once nobody wants them', async () => {
    const found: unknown[] = [];
    const { wires, follow, ask, egress, client } = await bridged(async () => {
      wires.follow(undefined);
      await turn();
      found.push(wires.taken('f1', 'ingress'));
    });
    const expires = FOREVER;
    await egress.subscribe({
      destination: 'reply',
      onMessage: () => void found.push(wires.taken('f2', 'egress')),
    });
    follow();
    client.send({ destination: 'reply', body: Buffer.from('reply'), expires });
    while (found.length < 1) await turn();
    ask('bytes');
    while (found.length < 2) await turn();
    expect(found).toEqual([undefined, undefined]);
  });

  it('are not kept where they are long, nor while nobody wants them', async () => {
    const found: unknown[] = [];
    const { wires, sent, follow, ask } = await bridged((body, out) => {
      found.push(wires.taken('f1', 'ingress'));
      out(body);
    });
    ask('before');
    while (found.length < 1) await turn();
    follow();
    ask('x'.repeat(40_000));
    while (found.length < 2) await turn();
    wires.follow(undefined);
    ask('after');
    while (found.length < 3) await turn();
    expect(found).toEqual([undefined, { link: 'ingress', body: undefined, bytes: 40_000 }, undefined]);
    expect(sent).toEqual(['f1 egress 40000']);
  });
});
