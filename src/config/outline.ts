import { z } from 'zod';
import type { ConfigDocument, Plain } from './document.ts';
import { nearest } from './nearest.ts';
import { formatPath, type KeyPath, type Problem } from './problem.ts';

// Lenient: what is wrong in itself is the schema's to report, and must not hide what is wrong between the parts.
const outline = z
  .object({
    cluster: z.string().optional().catch(undefined),
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
  .catch({ cluster: undefined, ingresses: {}, egresses: {}, routes: [] });

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
    report(path, `there is no ${kind} ${JSON.stringify(name)}${hint}`, names.join(', ') || undefined);
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
  checkHomes(outline, report);
  return problems;
};

type Report = (path: KeyPath, message: string, allowed?: string) => void;

const entryOf = (entries: Readonly<Record<string, unknown>>, name = ''): object => {
  const entry = entries[name];
  return typeof entry === 'object' && entry !== null ? entry : {};
};

/** As in the schema. */
const DEFAULT_CLUSTER = 'mcollective';

/** Nodes reply to a subject with the cluster's name in it, which has to tell whose request it was. */
const checkHomes = (outline: Outline, report: Report): void => {
  const homes = new Map<string, string>();
  for (const [index, { from, to }] of outline.routes.entries()) {
    const egress = entryOf(outline.egresses, to);
    if (from === undefined || !('type' in egress) || egress.type !== 'choria-collective') continue;
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

/** What passes sealed has no caller to map; what is translated needs one. */
const checkPassage = (
  outline: Outline,
  route: Outline['routes'][number],
  path: KeyPath,
  report: Report,
): void => {
  const egress = entryOf(outline.egresses, route.to);
  if (!('type' in egress)) return;
  const isSealed = egress.type === 'choria-collective';
  if (isSealed && route.identities !== undefined)
    report(
      [...path, 'identities'],
      'has no effect: requests to a choria-collective pass as they are; leave it out',
    );
  if (!isSealed && route.identities === undefined)
    report(
      [...path, 'identities'],
      'is missing: without a rule nobody passes',
      'a list of rules, at least one',
    );
  if (!isSealed && route.verify !== undefined)
    report([...path, 'verify'], 'has no effect: what is translated is always verified; leave it out');
};
