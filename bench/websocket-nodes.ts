import { z } from 'zod';
import { openRawLink } from '../test/support/burst.ts';
import { manyNames, startManyNodes } from './many-nodes.ts';

/** Nodes in a process of their own. What it is told, as its only argument. */
const ORDER = z.object({
  url: z.string(),
  tls: z.object({ ca: z.string(), cert: z.string(), key: z.string() }),
  count: z.int(),
});

const { count, ...access } = ORDER.parse(JSON.parse(process.argv[2] ?? ''));
process.on('disconnect', () => process.exit());
await startManyNodes(await openRawLink(access), manyNames(count));
process.send?.('there');
