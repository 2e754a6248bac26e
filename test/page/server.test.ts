import { describe, expect, it, vi } from 'vitest';
import { get, listen } from './client.ts';
import { asking, decidedOn, flowOf, servePage } from './world.ts';

describe('the server of the page', () => {
  it('serves its files, zipped for who takes that, and no others of their folder', async () => {
    const { port } = await servePage();
    expect(await get(port, '/')).toMatchObject({ status: 200, body: '<p>the page</p>' });
    expect((await get(port, '/app.js')).headers['content-type']).toBe('text/javascript; charset=utf-8');
    const zipped = await get(port, '/app.js', { 'accept-encoding': 'gzip' });
    expect(zipped.headers['content-encoding']).toBe('gzip');
    for (const path of ['/secret.pem', '/index.html', '/..%2f..%2fetc/passwd', '/../secret.pem', '/.'])
      expect(await get(port, path)).toMatchObject({ status: 404 });
  });

  it('has all that it shows come from itself, in no frame of others', async () => {
    const { port } = await servePage();
    for (const path of ['/', '/app.js', '/request?id=1', '/nowhere'])
      expect((await get(port, path)).headers).toMatchObject({
        'content-security-policy': expect.stringMatching(/^default-src 'self';.*frame-ancestors 'none'/),
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cache-control': 'no-store',
      });
    expect((await listen(port)).headers['content-security-policy']).toContain("default-src 'self'");
  });

  it('lets scripts connect to itself, and to the ingresses by which it can ask now', async () => {
    const web = { ingress: 'web', url: 'wss://mcbridge.example.net:8443' };
    const other = { ingress: 'other', url: 'ws://127.0.0.1:8080' };
    const { port, doors } = await servePage({ consoles: [web] });
    const policy = async () => (await get(port, '/')).headers['content-security-policy'];
    expect(await policy()).toMatch(/; connect-src 'self' wss:\/\/mcbridge\.example\.net:8443$/);
    expect(JSON.parse((await get(port, '/consoles')).body)).toEqual([web]);
    doors.consoles = [other];
    expect(await policy()).toMatch(/; connect-src 'self' ws:\/\/127\.0\.0\.1:8080$/);
    doors.consoles = [];
    expect(await policy()).not.toContain('connect-src');
    expect((await get(port, '/consoles')).body.trim()).toBe('[]');
    expect(await get(port, '/consoles', { 'sec-fetch-site': 'cross-site' })).toMatchObject({ status: 403 });
  });

  it.each(['127.0.0.1', 'localhost', 'localhost:9000', '[::1]:8223', '127.0.0.1:1'])(
    'answers by a name of this machine, through whatever tunnel: %s',
    async (host) => {
      const { port } = await servePage();
      expect(await get(port, '/', { host })).toMatchObject({ status: 200 });
    },
  );

  it.each([
    'evil.example.net',
    'localhost.evil.example.net',
    '127.0.0.1.evil.example.net',
    '192.0.2.1',
    '[::2]',
    'evil.example.net:8223',
  ])('answers by no other name: %j', async (host) => {
    const { port } = await servePage();
    for (const path of ['/', '/events', '/request?id=1'])
      expect(await get(port, path, { host })).toMatchObject({
        status: 421,
        body: expect.stringContaining('by no other name'),
      });
  });

  it('tells nothing to pages of others, and may be linked to', async () => {
    const { port } = await servePage();
    for (const site of ['cross-site', 'same-site']) {
      for (const path of ['/events', '/request?id=1', '/who'])
        expect(await get(port, path, { 'sec-fetch-site': site })).toMatchObject({ status: 403 });
      expect(await get(port, '/', { 'sec-fetch-site': site })).toMatchObject({ status: 200 });
    }
    expect((await listen(port, { 'sec-fetch-site': 'same-origin' })).status).toBe(200);
  });

  it('says whose page it is', async () => {
    const { port } = await servePage();
    expect(JSON.parse((await get(port, '/who')).body)).toEqual({ cluster: 'prod', instance: 'one' });
  });

  it('is only read', async () => {
    const { port } = await servePage();
    for (const path of ['/', '/events', '/request?id=1'])
      expect(await get(port, path, {}, 'POST')).toMatchObject({ status: 405 });
    expect(await get(port, '/', {}, 'HEAD')).toMatchObject({ status: 200, body: '' });
    expect(await get(port, '/events', {}, 'HEAD')).toMatchObject({ status: 405 });
  });

  it('opens a request that is remembered, and says so of one that is not', async () => {
    const { port, trail, answer } = await servePage();
    void trail.audit.record(decidedOn(asking(1)));
    answer(1, 'node1.example.net', 'failed');
    const { status, body } = await get(port, `/request?id=${flowOf(1)}`);
    expect(status).toBe(200);
    expect(JSON.parse(body)).toMatchObject({
      line: { caller: 'choria=alice.mcollective', mapped: 'cert=alice', replies: { failed: 1 } },
      answers: [{ node: 'node1.example.net', result: 'failed' }],
    });
    for (const path of ['/request?id=2', '/request', '/request?id=%'])
      expect(await get(port, path)).toMatchObject({ status: 404 });
  });
});

describe('the events of the page', () => {
  it('begin with all that there is, and go on with what changes', async () => {
    const { port, trail, answer } = await servePage();
    void trail.audit.record(decidedOn(asking(1)));
    const { told, headers } = await listen(port);
    expect(headers['content-type']).toBe('text/event-stream; charset=utf-8');
    await vi.waitFor(() => expect(told.map(({ event }) => event)).toContain('state'));
    expect(told[0]).toMatchObject({ event: 'snapshot', data: { trail: [{ id: flowOf(1) }], history: [] } });
    answer(1, 'node1.example.net');
    await vi.waitFor(() =>
      expect(told.filter(({ event }) => event === 'trail').at(-1)?.data.lines).toMatchObject([
        { id: flowOf(1), replies: { ok: 1 } },
      ]),
    );
  });

  it('go on where a page was cut off, by its last event', async () => {
    const { port, trail } = await servePage();
    const first = await listen(port);
    void trail.audit.record(decidedOn(asking(1)));
    await vi.waitFor(() => expect(first.told.some(({ event }) => event === 'trail')).toBe(true));
    const seen = first.told.find(({ event }) => event === 'trail')?.id ?? '';
    void trail.audit.record(decidedOn(asking(2)));
    await vi.waitFor(() => expect(first.told.filter(({ event }) => event === 'trail')).toHaveLength(2));
    const second = await listen(port, { 'last-event-id': seen });
    await vi.waitFor(() => expect(second.told.length).toBeGreaterThan(1));
    expect(second.told[0]).toMatchObject({ event: 'trail', data: { lines: [{ id: flowOf(2) }] } });
    const [epoch] = seen.split('-');
    for (const strange of [`${epoch}-999`, 'deadbeef-1', 'x', `${epoch}-x`]) {
      const { told } = await listen(port, { 'last-event-id': strange });
      await vi.waitFor(() => expect(told[0]?.event).toBe('snapshot'));
    }
  });

  it('begin anew for a page that was away for longer than is kept', async () => {
    const { port, trail } = await servePage({ limits: { clients: 4, waiting: 1_000_000, kept: 700 } });
    const first = await listen(port);
    await vi.waitFor(() => expect(first.told[0]?.event).toBe('snapshot'));
    for (const number of [1, 2, 3]) {
      void trail.audit.record(decidedOn(asking(number)));
      await vi.waitFor(() =>
        expect(first.told.filter(({ event }) => event === 'trail')).toHaveLength(number),
      );
    }
    const seen = first.told.find(({ event }) => event === 'trail')?.id ?? '';
    const { told } = await listen(port, { 'last-event-id': seen });
    await vi.waitFor(() =>
      expect(told[0]).toMatchObject({ event: 'snapshot', data: { trail: [{}, {}, {}] } }),
    );
  });

  it('are for so many pages, and a further one is told so', async () => {
    const { port, feed } = await servePage({ limits: { clients: 2, waiting: 1_000_000, kept: 1_000 } });
    const first = await listen(port);
    await listen(port);
    expect(await get(port, '/events')).toMatchObject({
      status: 503,
      body: expect.stringContaining('close one'),
    });
    first.response.destroy();
    await vi.waitFor(() => expect(feed.isFull).toBe(false));
    expect((await listen(port)).status).toBe(200);
  });

  it('are not kept for who does not read', async () => {
    const limits = { clients: 4, waiting: 256 * 1024, kept: 1_000 };
    const { port, trail, feed } = await servePage({ limits });
    const slow = await listen(port);
    slow.response.pause();
    let number = 0;
    const reason = 'x'.repeat(4_000);
    await vi.waitFor(() => {
      for (let more = 0; more < 100; more++)
        void trail.audit.record(decidedOn(asking(++number), { verdict: 'allow', reason }));
      expect(feed.dropped).toBe(1);
    });
    slow.response.resume();
    await slow.ended;
    expect((await listen(port)).status).toBe(200);
  });
});
