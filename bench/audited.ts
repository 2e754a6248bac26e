import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { startWorld } from './federation-world.ts';
import { BLOCK, EVERY, inTurns, WARM_UP } from './latency.ts';
import { VERIFIED } from './peer-messages.ts';
import { type BenchResult, percentile, print } from './table.ts';

const BLOCKS = 12;
/** One of the decision, one of the replies. */
const RECORDS = 2;

const guarded = {
  route: { verify: true, policy: 'ops' },
  policies: { ops: { rules: [{ callers: ['choria=client.mcollective'], verdict: 'allow' }] } },
};

/** What an audit with `on_failure: continue` adds to a request that is verified and decided, in µs. */
export const benchAudited = async (): Promise<BenchResult> => {
  const folder = mkdtempSync(join(tmpdir(), 'mcbridge-bench-audited-'));
  const file = join(folder, 'audit.log');
  const { route, policies } = guarded;
  const audit = { sinks: [{ file, on_failure: 'continue' }] };
  const world = await startWorld({
    logLevel: 'warn',
    buffer: { messages: 10_000, bytes: '64MiB' },
    others: [
      { cluster: 'verified', route, more: { policies } },
      { cluster: 'audited', route, more: { policies, audit } },
    ],
  });
  try {
    const taken = await inTurns(world, ['server', 'relay', ...VERIFIED], BLOCKS);
    await world.stop();
    const written = readFileSync(file, 'utf8').split('\n').length;
    const wanted = RECORDS * BLOCK * (WARM_UP + BLOCKS);
    if (written < wanted) throw new Error(`the audit has ${written} records of ${wanted}`);
    return {
      name: `(g) A verified request and its reply, ${1000 / EVERY} a second, µs`,
      goal: 'added to the bare relay: p50 below 200, p99 below 2,000',
      rows: [0.5, 0.99].flatMap((share) => {
        const { server, relay, verified, audited } = taken;
        const [direct = 0, floor = 0, silent = 0, recorded = 0] = [server, relay, verified, audited].map(
          (all) => percentile(all, share),
        );
        const name = `p${share * 100}`;
        return [
          { label: `${name}: client and node on one server`, perSecond: direct },
          { label: `${name}: two servers, a bare relay between`, perSecond: floor },
          { label: `${name}: the bridge between, audit off`, perSecond: silent },
          { label: `${name}: the same, on_failure: continue`, perSecond: recorded },
          { label: `${name}: added to the bare relay, audit off`, perSecond: silent - floor },
          { label: `${name}: added to it, on_failure: continue`, perSecond: recorded - floor },
          { label: `${name}: added by the audit`, perSecond: recorded - silent },
        ];
      }),
    };
  } finally {
    await world.stop();
    rmSync(folder, { recursive: true, force: true });
  }
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) print(await benchAudited());
