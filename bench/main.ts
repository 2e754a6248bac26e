import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { benchAudit } from './audit.ts';
import { benchAudited } from './audited.ts';
import { benchBurst } from './burst.ts';
import { benchFederation } from './federation.ts';
import { benchHostile } from './hostile.ts';
import { benchLegacyRequests } from './legacy-requests.ts';
import { benchPolicy } from './policy.ts';
import { benchReplay } from './replay.ts';
import { benchMemory, benchReplies } from './replies.ts';
import { benchRepliesWhileSigning } from './replies-while-signing.ts';
import { benchStompFanout } from './stomp-fanout.ts';
import { type BenchResult, print } from './table.ts';
import { benchWebSocket } from './websocket.ts';

const BENCHES: Readonly<Record<string, () => Promise<BenchResult | readonly BenchResult[]>>> = {
  replies: benchReplies,
  fanout: benchStompFanout,
  memory: benchMemory,
  federation: benchFederation,
  burst: benchBurst,
  requests: benchLegacyRequests,
  signing: benchRepliesWhileSigning,
  replay: benchReplay,
  hostile: benchHostile,
  policy: benchPolicy,
  audit: benchAudit,
  audited: benchAudited,
  websocket: benchWebSocket,
};

/** Every benchmark, or those that are named, each with its yardstick in the same run; the numbers also as JSON. */
const named = process.argv.slice(2);
const unknown = named.filter((name) => !(name in BENCHES));
if (unknown.length > 0) {
  console.error(`there is no benchmark ${unknown.join(', ')}; there are ${Object.keys(BENCHES).join(', ')}`);
  process.exit(2);
}
const results: BenchResult[] = [];
for (const [name, bench] of Object.entries(BENCHES)) {
  if (named.length > 0 && !named.includes(name)) continue;
  const measured = [await bench()].flat();
  for (const result of measured) print(result);
  results.push(...measured);
}
const file = 'bench-results.json';
const machine = { node: process.version, cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length };
writeFileSync(file, `${JSON.stringify({ machine, results }, null, 2)}\n`);
console.log(`\nWritten to ${file}.`);
