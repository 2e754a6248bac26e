import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { startWorld } from './federation-world.ts';
import { BLOCK, EVERY, inTurns } from './latency.ts';
import { type Path, RECORDED, VERIFIED } from './peer-messages.ts';
import { type BenchResult, percentile, print } from './table.ts';

const BLOCKS = 12;
/** One of the decision, one of the replies. */
const RECORDS = 2;

const guarded = {
  route: { verify: true, policy: 'ops' },
  policies: { ops: { rules: [{ callers: ['choria=client.mcollective'], verdict: 'allow' }] } },
};

/** What a bridge and an audit with `on_failure: continue` add to a request, in µs. */
export const benchAudited = async (): Promise<BenchResult> => {
  const folder = mkdtempSync(join(tmpdir(), 'mcbridge-bench-audited-'));
  const { route, policies } = guarded;
  const auditIn = (name: string) => ({ sinks: [{ file: join(folder, name), on_failure: 'continue' }] });
  const world = await startWorld({
    logLevel: 'warn',
    buffer: { messages: 10_000, bytes: '64MiB' },
    others: [
      { cluster: RECORDED, more: { audit: auditIn('recorded.log') } },
      { cluster: 'verified', route, more: { policies } },
      { cluster: 'audited', route, more: { policies, audit: auditIn('audited.log') } },
    ],
  });
  try {
    const taken = await inTurns(world, ['relay', 'bridge', RECORDED, ...VERIFIED], BLOCKS);
    await world.stop();
    const wanted = RECORDS * BLOCK * BLOCKS;
    for (const name of ['recorded.log', 'audited.log']) {
      const written = readFileSync(join(folder, name), 'utf8').split('\n').length;
      if (written < wanted) throw new Error(`${name} has ${written} records of ${wanted}`);
    }
    return {
      name: `(g) A request and its reply, ${1000 / EVERY} a second, µs more than through a bare relay`,
      goal: 'p50 below 200, p99 below 2,000, also with an audit',
      rows: [0.5, 0.99].flatMap((share) => {
        const floor = percentile(taken.relay, share);
        const more = (path: Path): number => percentile(taken[path], share) - floor;
        const name = `p${share * 100}`;
        return [
          { label: `${name}: the relay itself`, perSecond: floor },
          { label: `${name}: passed on`, perSecond: more('bridge') },
          { label: `${name}: the same, audit, on_failure: continue`, perSecond: more(RECORDED) },
          { label: `${name}: verified, decided, passed on`, perSecond: more('verified') },
          { label: `${name}: the same, audit, on_failure: continue`, perSecond: more('audited') },
        ];
      }),
    };
  } finally {
    await world.stop();
    rmSync(folder, { recursive: true, force: true });
  }
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) print(await benchAudited());
