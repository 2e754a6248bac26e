// One instance of a cluster as a process of its own, that can be killed or stopped: it gets a copy of each request, as
// from a legacy topic, and says which it takes. Arguments: NATS URL, instance, ms between documents.
import { createSecretKey } from 'node:crypto';
import { Stats } from '../../dist/bridge/stats.js';
import { createMembership } from '../../dist/cluster/membership.js';
import { makeDocument } from '../../dist/stats/document.js';
import { meterLink } from '../../dist/stats/meter.js';
import { createNatsLink } from '../../dist/transport/nats/index.js';
import { sourcesOf } from './sources.mjs';

const [, , url, instance, interval] = process.argv;
const say = (fields, message) => console.log([message, fields.member ?? ''].join(': '));
const log = { debug: say, info: say, warn: say, error: say };
const connect = () => createNatsLink({ servers: [url], name: instance, onEvent: () => undefined });
const cluster = 'production';
const link = meterLink(connect(), {
  name: 'choria',
  side: 'collective',
  clusters: [cluster],
  clock: Date.now,
});
const requests = connect();
await Promise.all([link.link.open(), requests.open()]);

const membership = createMembership({
  link,
  cluster,
  instance,
  key: createSecretKey(Buffer.alloc(32, 1)),
  interval: Number(interval),
  maxAge: 60_000,
  hearsAll: () => true,
  clock: Date.now,
  log,
});
const tell = (text) =>
  requests.send({ destination: 'test.taken', body: Buffer.from(`${text} ${instance}`), expires: Infinity });
await requests.subscribe({
  destination: 'test.requests',
  onMessage: ({ body }) => {
    const [id, time] = body.toString().split(' ');
    if (id === 'sync' || membership.isMine(id, Number(time))) tell(id);
  },
});
const sources = sourcesOf(instance, link, new Stats());
process.on('SIGTERM', async () => {
  await membership.stop();
  await Promise.all([requests.close(), link.link.close()]);
});
await membership.start((member) => makeDocument(sources, cluster, Date.now(), member));
