import { z } from 'zod';
import type { ConfigDocument, Plain } from '../config/document.ts';
import { nearest } from '../config/nearest.ts';
import { formatPath, type KeyPath, type Problem } from '../config/problem.ts';
import { parseSeconds } from '../config/units.ts';
import { quoted } from '../envelope/text.ts';

// Lenient: what is wrong in itself is the schema's to report, and must not hide what is wrong between the parts.
const outline = z
  .object({
    cluster: z.string().optional().catch(undefined),
    claims: z
      .object({ link: z.string().optional().catch(undefined) })
      .optional()
      .catch({ link: undefined }),
    ingresses: z.record(z.string(), z.unknown()).catch({}),
    egresses: z.record(z.string(), z.unknown()).catch({}),
    routes: z
      .array(
        z
          .object({
            from: z.string().optional().catch(undefined),
            to: z.string().optional().catch(undefined),
            collectives: z.array(z.unknown()).catch([]),
            identities: z.unknown().optional(),
            verify: z.unknown().optional(),
          })
          .catch({
            from: undefined,
            to: undefined,
            collectives: [],
            identities: undefined,
            verify: undefined,
          }),
      )
      .catch([]),
  })
  .catch({ cluster: undefined, claims: undefined, ingresses: {}, egresses: {}, routes: [] });

/** The names that the parts of a configuration know each other by, as far as they can be made out. */
export type Outline = z.output<typeof outline>;

export const readOutline = (value: Plain): Outline => outline.parse(value);

/** What is wrong between the parts: routes from or to nowhere, a collective with two ways out of one ingress, and so on. */
export const crossCheck = (outline: Outline, document: ConfigDocument): readonly Problem[] => {
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
    checkPassage(outline, route, ['routes', index], report);
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
  checkHomes(outline, report);
  checkSides(outline, report, refer);
  checkDiscovery(outline, report);
  checkSharing(outline, report, refer);
  return problems;
};

type Report = (path: KeyPath, message: string, allowed?: string) => void;

const entryOf = (entries: Readonly<Record<string, unknown>>, name = ''): object => {
  const entry = entries[name];
  return typeof entry === 'object' && entry !== null ? entry : {};
};

/** Logs, metrics and cassettes call a link by the name of its ingress or egress alone. */
const checkNames = ({ ingresses, egresses }: Outline, report: Report): void => {
  for (const name of Object.keys(egresses))
    if (Object.hasOwn(ingresses, name))
      report(['egresses', name], `an ingress is called ${quoted(name)} too; give one of them another name`);
};

/** As in the schema. */
const DEFAULT_CLUSTER = 'mcollective';

/** Nodes reply to a subject with the cluster's name in it, which has to tell whose request it was. */
const checkHomes = (outline: Outline, report: Report): void => {
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

const typeOf = (entries: Readonly<Record<string, unknown>>, name: string | undefined): unknown => {
  const entry = entryOf(entries, name);
  return 'type' in entry ? entry.type : undefined;
};

/** Requests of a federation pass as they are to a Choria collective, unless callers are to be mapped. */
const isOpaqueRoute = (
  { ingresses, egresses }: Outline,
  { from, to, identities }: Pick<Outline['routes'][number], 'from' | 'to' | 'identities'>,
): boolean =>
  typeOf(egresses, to) === 'choria-collective' &&
  typeOf(ingresses, from) === 'choria-federation' &&
  identities === undefined;

/** What passes through has no caller to map; what is translated needs one, and a signature. */
const checkPassage = (
  outline: Outline,
  route: Outline['routes'][number],
  path: KeyPath,
  report: Report,
): void => {
  const egress = entryOf(outline.egresses, route.to);
  if (!('type' in egress) || isOpaqueRoute(outline, route)) return;
  if (route.identities === undefined)
    report(
      [...path, 'identities'],
      'is missing: without a rule nobody passes',
      'a list of rules, at least one',
    );
  if (egress.type === 'choria-collective' && !('signing' in egress))
    report(
      ['egresses', route.to ?? '', 'signing'],
      `is missing: requests from ${route.from ?? 'there'} are signed anew, with a privileged certificate`,
      'cert and key',
    );
  if (route.verify !== undefined)
    report([...path, 'verify'], 'has no effect: what is translated is always verified; leave it out');
};

type Refer = (path: KeyPath, name: string | undefined, kind: string, names: readonly string[]) => void;

/** `beside` names the egress to the ingress's own side, where no route of it may lead. */
const checkSides = (outline: Outline, report: Report, refer: Refer): void => {
  for (const name of Object.keys(outline.ingresses)) {
    const { beside }: { beside?: unknown } = entryOf(outline.ingresses, name);
    if (typeof beside !== 'string') continue;
    const path = ['ingresses', name, 'beside'];
    refer(path, beside, 'egress', Object.keys(outline.egresses));
    if (outline.routes.some(({ from, to }) => from === name && to === beside))
      report(
        path,
        `${beside} is where a route from ${name} leads, so it cannot be the side that ${name} is on`,
      );
  }
};

/** Nodes answer only a question that is signed. */
const checkDiscovery = (outline: Outline, report: Report): void => {
  for (const name of Object.keys(outline.egresses)) {
    const { discovery, signing }: { discovery?: unknown; signing?: unknown } = entryOf(
      outline.egresses,
      name,
    );
    const { every }: { every?: unknown } = entryOf({ discovery }, 'discovery');
    if (typeOf(outline.egresses, name) !== 'choria-collective' || signing !== undefined) continue;
    if ((parseSeconds(every) ?? 0) > 0)
      report(
        ['egresses', name, 'discovery', 'every'],
        `without signing ${name} cannot ask who is there`,
        '0, or more with signing',
      );
  }
};

/** Kinds of ingresses and egresses whose brokers are NATS servers. */
const ON_NATS: ReadonlySet<unknown> = new Set(['choria-federation', 'choria-collective']);

/** What shares the broadcasts of legacy clients has to be there, and what is there has to be used. */
const checkSharing = (outline: Outline, report: Report, refer: Refer): void => {
  const { claims, ingresses, egresses } = outline;
  if (claims?.link !== undefined) {
    const sides = { ...ingresses, ...egresses };
    refer(['claims', 'link'], claims.link, 'ingress or egress', Object.keys(sides));
    if (Object.hasOwn(sides, claims.link) && !ON_NATS.has(typeOf(sides, claims.link)))
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
  for (const name of Object.keys(ingresses)) {
    if (typeOf(ingresses, name) !== 'mcollective-stomp') continue;
    const { share, broadcast_queue: queue }: { share?: unknown; broadcast_queue?: unknown } = entryOf(
      ingresses,
      name,
    );
    const path = ['ingresses', name];
    if (share === 'claims' && claims === undefined)
      report(
        [...path, 'share'],
        'claims have no place to be made: add the section claims',
        '"queue", "single", or claims with a section claims',
      );
    if (share === 'queue' && queue === undefined)
      report(
        [...path, 'share'],
        'there is no queue to share: give broadcast_queue',
        '"single", "claims", or queue with broadcast_queue',
      );
    const by = share ?? (claims === undefined ? 'queue' : 'claims');
    if (queue !== undefined && (by === 'claims' || by === 'single'))
      report(
        [...path, 'broadcast_queue'],
        `has no effect with share: ${by}, which ${share === undefined ? 'is so where there is a section claims' : 'reads the topics'}; leave it out, or say share: queue`,
      );
  }
};
