import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { benchFederation } from './federation.ts';
import { benchLegacyRequests } from './legacy-requests.ts';
import { benchReplay } from './replay.ts';
import { benchMemory, benchReplies } from './replies.ts';
import { benchRepliesWhileSigning } from './replies-while-signing.ts';
import { benchStompFanout } from './stomp-fanout.ts';
import { print } from './table.ts';

/** Every benchmark, each with its yardstick in the same run; the numbers also as JSON. */
const results = [];
for (const bench of [
  benchReplies,
  benchStompFanout,
  benchMemory,
  benchFederation,
  benchLegacyRequests,
  benchRepliesWhileSigning,
  benchReplay,
]) {
  const measured = [await bench()].flat();
  for (const result of measured) print(result);
  results.push(...measured);
}
const file = 'bench-results.json';
const machine = { node: process.version, cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length };
writeFileSync(file, `${JSON.stringify({ machine, results }, null, 2)}\n`);
console.log(`\nWritten to ${file}.`);
