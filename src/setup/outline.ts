import { z } from 'zod';
import type { Fault, RawEntry } from '../adapters/adapter-type.ts';
import type { Registry } from '../adapters/registry.ts';
import type { ConfigDocument, Plain } from '../config/document.ts';
import { nearest } from '../config/nearest.ts';
import { formatPath, type KeyPath, type Problem } from '../config/problem.ts';
import { quoted } from '../envelope/text.ts';

const entry = z.record(z.string(), z.unknown()).catch({});

// Lenient: what is wrong in itself is the schema's to report, and must not hide what is wrong between the parts.
const outline = z
  .object({
    cluster: z.string().optional().catch(undefined),
    claims: z
      .object({ link: z.string().optional().catch(undefined) })
      .optional()
      .catch({ link: undefined }),
    audit: z
      .object({
        network: z.string().optional().catch(undefined),
        sinks: z
          .array(z.object({ egresses: z.array(z.unknown()).catch([]) }).catch({ egresses: [] }))
          .catch([]),
      })
      .optional()
      .catch(undefined),
    ingresses: z.record(z.string(), entry).catch({}),
    egresses: z.record(z.string(), entry).catch({}),
    policies: z.record(z.string(), z.unknown()).catch({}),
    routes: z
      .array(
        z
          .object({
            from: z.string().optional().catch(undefined),
            to: z.string().optional().catch(undefined),
            collectives: z.array(z.unknown()).catch([]),
            identities: z.unknown().optional(),
            verify: z.unknown().optional(),
            policy: z.string().optional().catch(undefined),
          })
          .catch({
            from: undefined,
            to: undefined,
            collectives: [],
            identities: undefined,
            verify: undefined,
            policy: undefined,
          }),
      )
      .catch([]),
  })
  .catch({
    cluster: undefined,
    claims: undefined,
    audit: undefined,
    ingresses: {},
    egresses: {},
    policies: {},
    routes: [],
  });

/** The names that the parts of a configuration know each other by, as far as they can be made out. */
export type Outline = z.output<typeof outline>;

export const readOutline = (value: Plain): Outline => outline.parse(value);

/** What is wrong between the parts: routes from or to nowhere, a collective with two ways out of one ingress, and so on. */
export const crossCheck = (
  outline: Outline,
  document: ConfigDocument,
  registry: Registry,
): readonly Problem[] => {
  const parts: Parts = { ...outline, registry };
  const problems: Problem[] = [];
  const report = (path: KeyPath, message: string, allowed?: string): void => {
    problems.push({
      file: document.file,
      ...document.at(path),
      path: formatPath(path),
      message,
      ...(allowed === undefined ? {} : { allowed }),
    });
  };
  const refer = (path: KeyPath, name: string | undefined, kind: string, names: readonly string[]): void => {
    if (name === undefined || names.includes(name)) return;
    const meant = nearest(name, names);
    const hint = meant === undefined ? '' : `; did you mean "${meant}"?`;
    report(path, `there is no ${kind} ${quoted(name)}${hint}`, names.join(', ') || undefined);
  };

  const exported = new Map<string, string>();
  for (const [index, route] of outline.routes.entries()) {
    refer(['routes', index, 'from'], route.from, 'ingress', Object.keys(outline.ingresses));
    refer(['routes', index, 'to'], route.to, 'egress', Object.keys(outline.egresses));
    refer(['routes', index, 'policy'], route.policy, 'policy', Object.keys(outline.policies));
    checkMapping(parts, route, ['routes', index], report);
    for (const [entry, collective] of route.collectives.entries()) {
      const path = ['routes', index, 'collectives', entry];
      const key = JSON.stringify([route.from, collective]);
      const first = exported.get(key);
      if (first === undefined) exported.set(key, formatPath(path));
      else
        report(path, `${document.show(path)} is exported from ${route.from ?? 'there'} already, by ${first}`);
    }
  }
  checkNames(outline, report);
  checkHomes(parts, report);
  checkSides(outline, report, refer);
  checkClaims(parts, report, refer);
  checkAudit(outline, refer);
  checkEntries(parts, report);
  return problems;
};

/** The parts, and the types that they may be of. */
interface Parts extends Outline {
  readonly registry: Registry;
}

type Report = (path: KeyPath, message: string, allowed?: string) => void;

type Entries = Readonly<Record<string, RawEntry>>;

const entryOf = (entries: Entries, name = ''): RawEntry => entries[name] ?? {};

/** Logs, metrics and cassettes call a link by the name of its ingress or egress alone. */
const checkNames = ({ ingresses, egresses }: Outline, report: Report): void => {
  for (const name of Object.keys(egresses))
    if (Object.hasOwn(ingresses, name))
      report(['egresses', name], `an ingress is called ${quoted(name)} too; give one of them another name`);
};

const checkAudit = ({ audit, ingresses, egresses }: Outline, refer: Refer): void => {
  refer(['audit', 'network'], audit?.network, 'ingress', Object.keys(ingresses));
  for (const [index, sink] of (audit?.sinks ?? []).entries())
    for (const [entry, name] of sink.egresses.entries())
      if (typeof name === 'string')
        refer(['audit', 'sinks', index, 'egresses', entry], name, 'egress', Object.keys(egresses));
};

/** As in the schema. */
const DEFAULT_CLUSTER = 'mcollective';

/** Nodes reply to a subject with the cluster's name in it, which has to tell whose request it was. */
const checkHomes = (outline: Parts, report: Report): void => {
  const homes = new Map<string, string>();
  for (const [index, route] of outline.routes.entries()) {
    const { from, to } = route;
    if (from === undefined || !isOpaqueRoute(outline, route)) continue;
    const { cluster = outline.cluster ?? DEFAULT_CLUSTER }: { cluster?: unknown } = entryOf(
      outline.ingresses,
      from,
    );
    const key = JSON.stringify([to, cluster]);
    const other = homes.get(key) ?? from;
    homes.set(key, other);
    if (other !== from)
      report(
        ['routes', index, 'from'],
        `${from} and ${other} are the same cluster, so ${to} could not tell their replies apart; give one of them another cluster`,
      );
  }
};

const ingressTypeOf = ({ ingresses, registry }: Parts, name: string | undefined) =>
  registry.ingress(entryOf(ingresses, name)['type']);

const egressTypeOf = ({ egresses, registry }: Parts, name: string | undefined) =>
  registry.egress(entryOf(egresses, name)['type']);

/** Requests pass unchanged between two sides of one format, unless the route maps callers. */
const isOpaqueRoute = (
  outline: Parts,
  { from, to, identities }: Pick<Outline['routes'][number], 'from' | 'to' | 'identities'>,
): boolean => {
  const format = ingressTypeOf(outline, from)?.opaque;
  return format !== undefined && format === egressTypeOf(outline, to)?.opaque && identities === undefined;
};

/** What passes through has no caller to map; what is translated needs one. */
const checkMapping = (
  outline: Parts,
  route: Outline['routes'][number],
  path: KeyPath,
  report: Report,
): void => {
  const egress = entryOf(outline.egresses, route.to);
  if (!('type' in egress)) return;
  if (isOpaqueRoute(outline, route)) {
    if (route.policy !== undefined && String(route.verify) !== 'true')
      report(
        [...path, 'policy'],
        'cannot be asked: requests pass here as they are, and nobody reads them',
        'with verify: true in this route',
      );
    return;
  }
  if (route.identities === undefined)
    report(
      [...path, 'identities'],
      'is missing: without a rule nobody passes',
      'a list of rules, at least one',
    );
  if (route.verify !== undefined)
    report([...path, 'verify'], 'has no effect: what is translated is always verified; leave it out');
};

type Refer = (path: KeyPath, name: string | undefined, kind: string, names: readonly string[]) => void;

/** `local_egress` names the egress on the ingress's own side, where no route of it may lead. */
const checkSides = (outline: Outline, report: Report, refer: Refer): void => {
  for (const name of Object.keys(outline.ingresses)) {
    const entry = entryOf(outline.ingresses, name);
    const key = 'local_egress' in entry ? 'local_egress' : 'beside';
    const local = entry[key];
    if (typeof local !== 'string') continue;
    const path = ['ingresses', name, key];
    refer(path, local, 'egress', Object.keys(outline.egresses));
    if (outline.routes.some(({ from, to }) => from === name && to === local))
      report(
        path,
        `${local} is where a route from ${name} leads, so it cannot be the side that ${name} is on`,
      );
  }
};

/** What each entry's own protocol has to say of it. */
const checkEntries = (outline: Parts, report: Report): void => {
  const check = (name: string, kind: 'ingress' | 'egress'): void => {
    const type = kind === 'ingress' ? ingressTypeOf(outline, name) : egressTypeOf(outline, name);
    const [section, end] =
      kind === 'ingress' ? (['ingresses', 'from'] as const) : (['egresses', 'to'] as const);
    const routes = outline.routes
      .filter((route) => route[end] === name)
      .map((route) => ({ from: route.from, isOpaque: isOpaqueRoute(outline, route) }));
    const around = { name, routes, hasClaims: outline.claims !== undefined };
    const faults: readonly Fault[] = type?.crossCheck?.(entryOf(outline[section], name), around) ?? [];
    for (const { path, message, allowed } of faults) report([section, name, ...path], message, allowed);
  };
  for (const name of Object.keys(outline.egresses)) check(name, 'egress');
  for (const name of Object.keys(outline.ingresses)) check(name, 'ingress');
};

/** Claims are made on NATS. */
const checkClaims = (outline: Parts, report: Report, refer: Refer): void => {
  const { claims, ingresses, egresses } = outline;
  if (claims?.link !== undefined) {
    const sides = { ...ingresses, ...egresses };
    refer(['claims', 'link'], claims.link, 'ingress or egress', Object.keys(sides));
    const { transport } = egressTypeOf(outline, claims.link) ?? ingressTypeOf(outline, claims.link) ?? {};
    if (Object.hasOwn(sides, claims.link) && transport !== 'nats')
      report(
        ['claims', 'link'],
        `${claims.link} is not on NATS, and claims are made there`,
        'one on NATS, or servers of their own',
      );
    const { servers }: { servers?: unknown } = entryOf(sides, claims.link);
    if (Array.isArray(servers) && servers.some((server) => String(server).startsWith('wss:')))
      report(
        ['claims', 'link'],
        `${claims.link} goes by wss://, and claims do not`,
        'one by nats:// or tls://, or servers of their own',
      );
  }
};
