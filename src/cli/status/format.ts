import { duration, timestamp } from '../../telemetry/observe/format.ts';
import { alarm, faint, heading, type Line, plain, singleLine } from '../../telemetry/observe/line.ts';
import type { StatusDocument } from '../../telemetry/status/document.ts';
import { counted } from '../terminal.ts';

const DAY_MS = 86_400_000;
/** Before a certificate's end, in which it is told as urgent. */
const URGENT_MS = 30 * DAY_MS;

/** Columns as wide as what is in them; the last one has no end. */
const table = (rows: readonly (readonly string[])[]): readonly string[] => {
  const widths = rows.reduce<readonly number[]>(
    (widest, row) => row.map((cell, column) => Math.max(cell.length, widest[column] ?? 0)),
    [],
  );
  return rows.map((row) =>
    `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd(),
  );
};

const block = (title: string, lines: readonly Line[]): readonly Line[] =>
  lines.length === 0 ? [] : [plain(), heading(title), ...lines];

/** Some writers' times may be no times. */
const msOf = (iso: string): number => Date.parse(iso) || 0;

const sinceOf = (iso: string | null, now: number): string =>
  iso === null ? '' : ` for ${duration(Math.max(0, now - msOf(iso)))}`;

const agoOf = (iso: string, now: number): string => `${duration(Math.max(0, now - msOf(iso)))} ago`;

const headOf = ({
  version,
  cluster,
  instance,
  identity,
  health,
  uptime,
}: StatusDocument): readonly Line[] => {
  const state = health.ready ? plain('ready') : alarm(`NOT READY (${singleLine(health.phase)})`);
  return [
    heading(
      `Bridge ${singleLine(cluster)}:${singleLine(instance)} on ${singleLine(identity)}, version ${singleLine(version)}`,
    ),
    { ...state, text: `${state.text}, up for ${duration(uptime * 1000)}` },
    ...health.troubles.map(({ name, side, problem, reason }) =>
      alarm(`  ${singleLine(name)} (${singleLine(side)}): ${singleLine(problem)}: ${singleLine(reason)}`),
    ),
  ];
};

const linksOf = ({ links }: StatusDocument, now: number): readonly Line[] => {
  const rows = table(
    links.map(({ name, side, up, since, server, reason, buffered }) => [
      singleLine(name),
      singleLine(side),
      `${up ? 'connected' : 'not connected'}${sinceOf(since, now)}`,
      buffered === 0 ? '' : `${buffered} waiting`,
      singleLine((up ? server : reason) ?? ''),
    ]),
  );
  return links.flatMap(({ up, denied }, index) => [
    up ? plain(rows[index]) : alarm(rows[index] ?? ''),
    ...denied.map(({ right, destination, reason, hint }) =>
      alarm(
        `    may not ${singleLine(right)} ${singleLine(destination)}: ${singleLine(reason)}${hint === undefined ? '' : ` (${singleLine(hint)})`}`,
      ),
    ),
  ]);
};

const routesOf = ({ routes }: StatusDocument): readonly Line[] =>
  table([
    ['', 'requests', 'sent', 'replies', 'sent', 'in flight', 'collectives'],
    ...routes.map(({ name, requests, replies, in_flight: inFlight, collectives }) => [
      singleLine(name),
      `${requests.received}`,
      `${requests.sent}`,
      `${replies.received}`,
      `${replies.sent}`,
      `${inFlight}`,
      collectives.map(singleLine).join(' '),
    ]),
  ]).map((text, index) => (index === 0 ? faint(text) : plain(text)));

const ratesOf = ({ rates }: StatusDocument): readonly Line[] =>
  table([
    ['', 'last minute', 'last 5 minutes'],
    ...(['requests', 'replies', 'refusals'] as const).map((what) => [
      what,
      rates[what].minute.toFixed(2),
      rates[what].five_minutes.toFixed(2),
    ]),
  ]).map((text, index) => (index === 0 ? faint(text) : plain(text)));

type Refusal = StatusDocument['refusals'][number]['last'][number];

const refusalLine = (
  { at, sender, caller, agent, flow, request_id: id, sentence }: Refusal,
  now: number,
): Line => {
  const who = [caller, sender === undefined ? undefined : `from ${sender}`, agent && `agent ${agent}`];
  const which = flow === undefined ? id && `request ${id}` : `flow ${flow}`;
  const about = [...who, which].flatMap((text) => (text ? [singleLine(text)] : [])).join(', ');
  return faint(`    ${agoOf(at, now)}: ${singleLine(sentence)}${about === '' ? '' : ` (${about})`}`);
};

const refusalsOf = ({ refusals }: StatusDocument, now: number): readonly Line[] =>
  refusals.flatMap(({ reason, count, at, last }) => [
    plain(`  ${singleLine(reason)}: ${count}, the last one ${agoOf(at, now)}`),
    ...last.map((one) => refusalLine(one, now)),
  ]);

const nodesOf = ({ nodes }: StatusDocument): readonly Line[] =>
  table(
    nodes.map(({ egress, type, collective, known }) => [
      singleLine(egress),
      singleLine(type),
      singleLine(collective),
      counted(known, 'node'),
    ]),
  ).map((text) => plain(text));

const certificatesOf = ({ certificates }: StatusDocument, now: number): readonly Line[] => {
  const rows = table(
    certificates.map(({ link, file, expires }) => {
      const left = msOf(expires) - now;
      const when = left <= 0 ? 'EXPIRED' : `${counted(Math.floor(left / DAY_MS), 'day')} left`;
      return [singleLine(link), when, singleLine(expires), singleLine(file)];
    }),
  );
  return certificates.map(({ expires }, index) => {
    const text = rows[index] ?? '';
    return msOf(expires) - now < URGENT_MS ? alarm(text) : plain(text);
  });
};

const configurationOf = ({ configuration }: StatusDocument, now: number): readonly Line[] => {
  const { file, age, reload } = configuration;
  const inForce = plain(`  ${singleLine(file)}, in force for ${duration(age * 1000)}`);
  if (reload === null) return [inForce];
  const told = `  last reload ${agoOf(reload.at, now)} by ${singleLine(reload.cause)}: ${singleLine(reload.result)}`;
  return [
    inForce,
    reload.result === 'ok' ? plain(told) : alarm(told),
    ...reload.problems.map((problem) => alarm(`    ${singleLine(problem)}`)),
  ];
};

const claimsOf = ({ claims }: StatusDocument): readonly Line[] => {
  if (claims === null) return [];
  const counts = plain(`  ${claims.won} won, ${claims.lost} lost, ${claims.unknown} unknown`);
  return claims.up
    ? [counts]
    : [counts, alarm(`  nothing can be claimed: ${singleLine(claims.reason ?? 'no reason is known')}`)];
};

/** What `mcbridge status` shows. Ages are by the bridge's own clock. */
export const formatStatus = (status: StatusDocument): readonly Line[] => {
  const now = msOf(status.time);
  return [
    ...headOf(status),
    ...block('Links', linksOf(status, now)),
    ...block('Routes', routesOf(status)),
    ...block('A second', ratesOf(status)),
    ...block('Refused', refusalsOf(status, now)),
    ...block('Nodes', nodesOf(status)),
    ...block('Certificates', certificatesOf(status, now)),
    ...block('Configuration', configurationOf(status, now)),
    ...block('Claims of broadcasts', claimsOf(status)),
    plain(),
    faint(`Updated: ${timestamp(now)}`),
  ];
};
