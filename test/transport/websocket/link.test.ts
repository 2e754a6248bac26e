import { afterEach, describe, expect, it, vi } from 'vitest';
import { LinkError } from '../../../src/transport/link.ts';
import { SESSION_OPENED, SESSION_SAID } from '../../../src/transport/websocket/places.ts';
import { connectWebClient } from '../../support/web-client.ts';
import { issuer, type Stage, startStage } from './world.ts';

// What links promise, as far as one can keep it to which clients come. `linkContract` sends to where it listens itself, over a broker.

const stages: Stage[] = [];
afterEach(async () => {
  for (const { link } of stages.splice(0)) await link.close();
});

const staged = async () => {
  const stage = await startStage();
  stages.push(stage);
  const client = await connectWebClient(stage.url, { token: issuer.token() });
  const texts: string[] = [];
  client.socket.on('message', (data) => texts.push(String(data)));
  return { ...stage, client, texts, session: stage.at(SESSION_OPENED)[0]?.replyTo ?? '' };
};

const outgoing = (destination: string, value: unknown = 0) => ({
  destination,
  body: Buffer.from(JSON.stringify(value)),
  expires: Number.POSITIVE_INFINITY,
});

const codeOf = async (act: () => unknown): Promise<string> => {
  try {
    await act();
  } catch (error) {
    if (error instanceof LinkError) return error.code;
    throw error;
  }
  return 'nothing was thrown';
};

describe('a link that clients come to by WebSocket', () => {
  it('takes nothing more once it is closed', async () => {
    const { link, session } = await staged();
    await Promise.all([link.close(), link.close()]);
    expect(link.state().up).toBe(false);
    const subscription = { destination: SESSION_SAID, onMessage: () => undefined };
    for (const act of [
      () => link.open(),
      () => link.send(outgoing(session)),
      () => link.sendAll([outgoing(session)]),
      () => link.subscribe(subscription),
    ])
      expect(await codeOf(act)).toBe('closed');
  });

  it('refuses what is no destination, and then sends none of what comes with it', async () => {
    const { link, session, texts } = await staged();
    for (const wrong of ['', 'a b\nc', 'a\0', SESSION_SAID]) {
      expect(await codeOf(() => link.send(outgoing(wrong)))).toBe('protocol');
      expect(await codeOf(() => link.sendAll([outgoing(session), outgoing(wrong)]))).toBe('protocol');
    }
    for (const destination of ['', session, 'a b\nc'])
      expect(await codeOf(() => link.subscribe({ destination, onMessage: () => undefined }))).toBe(
        'protocol',
      );
    link.send(outgoing(session, 'right'));
    await vi.waitFor(() => expect(texts).toEqual(['"right"']));
  });

  it('carries texts in order, both ways, and hands over none after an unsubscribe', async () => {
    const { link, session, client, texts, at } = await staged();
    const heard: string[] = [];
    const subscription = await link.subscribe({
      destination: SESSION_SAID,
      onMessage: ({ body }) => void heard.push(body.toString()),
    });
    const sent = Array.from({ length: 300 }, (_, n) => `${n}`);
    for (const text of sent) {
      link.send(outgoing(session, Number(text)));
      client.socket.send(text);
    }
    await vi.waitFor(() => expect([texts, heard]).toEqual([sent, sent]));
    await subscription.unsubscribe();
    client.socket.send('late');
    await vi.waitFor(() => expect(at(SESSION_SAID)).toHaveLength(sent.length + 1));
    expect(heard).toEqual(sent);
  });

  it('reports what a listener throws, and hands over what comes next', async () => {
    const { link, client, events } = await staged();
    const heard: string[] = [];
    await link.subscribe({
      destination: SESSION_SAID,
      onMessage: ({ body }) => {
        heard.push(body.toString());
        if (heard.length === 1) throw new Error('a bug');
      },
    });
    for (const text of ['first', 'second']) client.socket.send(text);
    await vi.waitFor(() => expect(heard).toEqual(['first', 'second']));
    const errors = events.flatMap((event) => (event.kind === 'error' ? [event.error.message] : []));
    expect(errors).toEqual(['a bug']);
  });
});
