import type { EgressDocument, InventoryDocument } from '../../nodes/document.ts';
import type { InventoryView, NodeView } from '../../nodes/view.ts';
import { duration, timestamp } from '../../telemetry/observe/format.ts';
import { alarm, faint, heading, type Line, plain, singleLine } from '../../telemetry/observe/line.ts';
import { counted } from '../terminal.ts';

const HEADS = ['Node', 'Lives on', 'Known by', 'Seen', 'Collectives'];
const BOTH = 'both: answers natively to each side';

const ago = (seconds: number): string => `${duration(seconds * 1000)} ago`;

const cellsOf = ({ identity, egress, known, seen, collectives }: NodeView): readonly string[] => [
  identity,
  egress,
  known.join(', '),
  seen === null ? 'not there' : ago(seen),
  collectives.join(', '),
];

/** Columns as wide as what is in them; the last one has no end. */
const table = (nodes: readonly NodeView[]): readonly Line[] => {
  const rows = nodes.map(cellsOf);
  const widths = [HEADS, ...rows].reduce<readonly number[]>(
    (widest, row) => row.map((cell, column) => Math.max(cell.length, widest[column] ?? 0)),
    [],
  );
  const line = (cells: readonly string[], note = ''): string =>
    [...cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)), note].join('  ').trimEnd();
  return [
    heading(line(HEADS)),
    ...nodes.map(({ seen, both }, index) => {
      const text = line(rows[index] ?? [], both ? BOTH : '');
      return both ? alarm(text) : seen === null ? faint(text) : plain(text);
    }),
  ];
};

const asked = ({ every, last_survey: last }: EgressDocument, time: number): string => {
  if (every === 0) return 'not asked: discovery is off';
  const rhythm = `every ${duration(every * 1000)}`;
  return last === null
    ? `not asked yet, then ${rhythm}`
    : `asked ${ago(Math.max(0, time - last))}, ${rhythm}`;
};

const egressLine = (it: EgressDocument, time: number): Line => {
  const patterns = it.patterns.length === 0 ? 'no patterns' : it.patterns.map(singleLine).join(' ');
  const text = `${it.name} (${singleLine(it.type)}): ${patterns}; ${asked(it, time)}`;
  return it.error === undefined ? faint(text) : alarm(`${text}; ${singleLine(it.error)}`);
};

/** `3 nodes: 2 on legacy, 2 on choria; 1 on both sides`; a node that is on two is one. */
const summary = ({ nodes, egresses }: InventoryView): string => {
  const there = nodes.filter(({ seen }) => seen !== null);
  const distinct = (some: readonly NodeView[]): number => new Set(some.map(({ identity }) => identity)).size;
  const each = egresses.map(({ name }) => `${distinct(there.filter((it) => it.egress === name))} on ${name}`);
  const both = distinct(there.filter((it) => it.both));
  const silent = nodes.length - there.length;
  return [
    `${counted(distinct(there), 'node')}: ${each.join(', ')}`,
    ...(both === 0 ? [] : [`${both} on both sides`]),
    ...(silent === 0 ? [] : [`${silent} configured by name and not there`]),
  ].join('; ');
};

/** The table of `mcbridge inventory`. */
export const formatInventory = (document: InventoryDocument, view: InventoryView): readonly Line[] => [
  heading(`Inventory of ${singleLine(document.cluster)}:${singleLine(document.instance)}`),
  plain(),
  ...(view.nodes.length === 0 ? [plain('No such node is known.')] : table(view.nodes)),
  plain(),
  ...view.egresses.map((it) => egressLine(it, document.time)),
  ...(document.refused === 0
    ? []
    : [alarm(`The inventory is full: ${counted(document.refused, 'time')} a node was left out`)]),
  plain(summary(view)),
  faint(`Updated: ${timestamp(document.time * 1000)}`),
];

/** The same for programs: times in ISO 8601, durations in seconds. */
export const inventoryObject = (document: InventoryDocument, { nodes, egresses }: InventoryView): object => {
  const iso = (time: number | null): string | null =>
    time === null ? null : new Date(time * 1000).toISOString();
  return {
    time: iso(document.time),
    cluster: document.cluster,
    instance: document.instance,
    refused: document.refused,
    egresses: egresses.map(({ name, type, patterns, every, last_survey, error }) => ({
      name,
      type,
      patterns,
      every,
      last_survey: iso(last_survey),
      error: error ?? null,
      nodes: nodes.filter(({ egress, seen }) => egress === name && seen !== null).length,
    })),
    nodes: nodes.map(({ seen, ...node }) => ({
      ...node,
      seen: seen === null ? null : iso(document.time - seen),
    })),
  };
};
