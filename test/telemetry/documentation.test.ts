import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { Stats } from '../../src/bridge/stats.ts';
import { healthOf } from '../../src/telemetry/health.ts';
import { meterLink } from '../../src/telemetry/meter.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { MemoryBroker, NATS_RULES } from '../../src/transport/memory/broker.ts';
import { type Exposition, parseExposition } from './prometheus.ts';

const doc = (name: string): string => readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8');

/** What a bridge offers, with a reason so that its series exists. */
const offered = async (): Promise<Exposition> => {
  const stats = new Stats();
  stats.route('federation', 'legacy');
  stats.refused({ code: 'internal', stage: 'request', context: {}, sentence: 'a bug' });
  const link = new MemoryBroker(NATS_RULES).link();
  const links = [
    meterLink(link, { name: 'federation', side: 'federation', clusters: ['c'], clock: Date.now }),
  ];
  const registry = createMetrics({
    version: '1.2.3',
    identity: 'bridge1.example.net',
    cluster: 'c',
    instance: '1',
    links,
    stats,
    observe: () => undefined,
    inFlight: () => 0,
    silentNodes: () => 0,
    health: () => healthOf(links, 'running'),
    claims: true,
    conflicts: () => 0,
    reloads: () => ({ ok: 1, refused: 0, lastSuccessful: true, loadedAt: 0 }),
    certificates: () => [{ link: 'legacy', file: '/cert.pem', ends: 1 }],
    refusedFiles: () => ['legacy'],
    audit: () => [
      {
        sink: '/a',
        written: 1,
        lost: 1,
        refused: 1,
        waiting: 0,
        isFailing: false,
        head: { seq: 1, time: 1 },
      },
    ],
    lists: () => [{ file: '/etc/crl.pem', nextUpdate: 1 }],
  });
  return parseExposition(await registry.metrics());
};

let metrics: Exposition;
let names: ReadonlySet<string>;
let labels: ReadonlySet<string>;

beforeAll(async () => {
  metrics = await offered();
  names = new Set(metrics.samples.map(({ name }) => name));
  // What Prometheus adds to everything it scrapes.
  labels = new Set([...metrics.samples.flatMap((sample) => Object.keys(sample.labels)), 'job', 'instance']);
});

/** The metrics and the labels that an expression names. */
const partsOf = (expr: string) => ({
  metrics: expr.match(/\b(?:mcbridge|choria|process|nodejs)_\w+/g) ?? [],
  labels: [
    ...[...expr.matchAll(/\{([^}]*)\}/g)].flatMap(([, inner]) => inner?.match(/\w+(?=[!=]~?)/g) ?? []),
    ...[...expr.matchAll(/\b(?:by|on) \(([^)]*)\)/g)].flatMap(([, inner]) => inner?.match(/\w+/g) ?? []),
  ],
});

const expectOffered = (expr: string): void => {
  const parts = partsOf(expr);
  expect(parts.metrics.filter((name) => !names.has(name))).toEqual([]);
  expect(parts.labels.filter((name) => !labels.has(name))).toEqual([]);
};

const rules = z
  .strictObject({
    groups: z.array(
      z.strictObject({
        name: z.string(),
        rules: z.array(
          z.strictObject({
            alert: z.string().regex(/^Mcbridge[A-Z]\w+$/),
            expr: z.string(),
            for: z
              .string()
              .regex(/^\d+m$/)
              .optional(),
            labels: z.strictObject({ severity: z.enum(['info', 'warning', 'critical']) }),
            annotations: z.strictObject({ summary: z.string(), description: z.string().optional() }),
          }),
        ),
      }),
    ),
  })
  .parse(parse(doc('prometheus-alerts.yaml')))
  .groups.flatMap((group) => group.rules);

describe('the alerts', () => {
  it.each(rules)('$alert is about metrics that there are', ({ expr }) => expectOffered(expr));

  it('have a name each', () => {
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
  });

  it('are described in the documentation, all of them', () => {
    const text = doc('monitoring.md');
    expect(rules.map(({ alert }) => alert).filter((alert) => !text.includes(`\`${alert}\``))).toEqual([]);
  });

  it('name reasons that there are', () => {
    const codes = doc('../src/envelope/rejection.ts');
    for (const { expr } of rules)
      for (const [, list = ''] of expr.matchAll(/reason[!=]~?"([^"]+)"/g))
        for (const reason of list.split('|')) expect(codes).toContain(`'${reason}'`);
  });
});

const panel = z.object({
  id: z.number(),
  title: z.string(),
  type: z.string(),
  gridPos: z.object({ x: z.number(), y: z.number(), w: z.number(), h: z.number() }),
  targets: z.array(z.object({ expr: z.string(), refId: z.string() })).optional(),
});
const dashboard = z
  .object({
    id: z.null(),
    uid: z.string(),
    schemaVersion: z.number(),
    templating: z.object({ list: z.array(z.object({ name: z.string(), type: z.string() })) }),
    panels: z.array(panel),
  })
  .parse(JSON.parse(doc('grafana-dashboard.json')));
const graphs = dashboard.panels.filter(({ type }) => type !== 'row');

describe('the dashboard', () => {
  it.each(graphs)('$title is about metrics that there are', ({ targets = [] }) => {
    expect(targets.length).toBeGreaterThan(0);
    for (const { expr } of targets) expectOffered(expr);
  });

  it('has panels beside each other, not on top of each other', () => {
    const { panels } = dashboard;
    for (const [index, { gridPos: a }] of panels.entries())
      for (const { gridPos: b } of panels.slice(index + 1))
        expect(a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h).toBe(false);
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  });

  it('uses the variables that it has', () => {
    const known = dashboard.templating.list.map(({ name }) => name);
    const used = doc('grafana-dashboard.json').match(/\$\{?[a-z]\w+/g) ?? [];
    expect(new Set(used.map((name) => name.replace(/[${]/g, '')))).toEqual(new Set(known));
  });
});

describe('the documentation', () => {
  it('has a row for every metric of the bridge, and none for another', () => {
    const own = [...metrics.types.keys()].filter((name) => /^(mcbridge|choria)_/.test(name));
    const rows = [...doc('monitoring.md').matchAll(/^\| `((?:mcbridge|choria)_\w+)/gm)].map(
      ([, name]) => name,
    );
    expect(rows.toSorted()).toEqual(own.toSorted());
  });
});
