import { alarm, faint, heading, type Line, plain, singleLine } from './line.ts';
import { type ClusterView, type Flow, type InstanceView, SIDES, type Side, type SideView } from './view.ts';

const TITLES: Readonly<Record<Side, string>> = { federation: 'Federation', collective: 'Collective' };

/** Local time as `2026-11-23 05:38:43`, which is how `mco federation observe` shows it. */
export const timestamp = (ms: number): string => {
  const date = new Date(ms);
  const two = (n: number): string => String(n).padStart(2, '0');
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join('-');
  return `${day} ${[date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':')}`;
};

/** Ms as `42 s`, `3 min` or `2 h`. */
export const duration = (ms: number): string => {
  const seconds = Math.round(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
};

const percent = (share: number): string => `(${share.toFixed(1)}%)`;

/** Names are written flush right, two columns further in than `Instances:`, as Ruby did. */
const indent = (names: readonly string[]): number => Math.max(0, ...names.map(({ length }) => length)) + 4;

const totals = (side: Side, { received, sent, instances }: SideView, stale: ReadonlySet<string>): Line[] => {
  const width = indent(instances.map(({ name }) => name));
  return [
    heading(TITLES[side]),
    plain('  Totals:'),
    plain(`    Received: ${received}  Sent: ${sent}`),
    plain(),
    plain('  Instances:'),
    ...instances.map((it) => {
      const text = `${it.name.padStart(width)}: Received: ${it.received} ${percent(it.receivedShare)} Sent: ${it.sent} ${percent(it.sentShare)}`;
      return stale.has(it.name) ? alarm(`${text} stale`) : plain(text);
    }),
    plain(),
  ];
};

const COLUMN_CHARS = 12;

const cell = (text: string): string => text.padStart(COLUMN_CHARS);

const rateCells = (rates: Flow | null): string =>
  rates === null ? cell('-') + cell('-') : cell(rates.received.toFixed(1)) + cell(rates.sent.toFixed(1));

/** Messages a second of each instance and of all, a column for each direction of each side. */
const rates = (view: ClusterView): Line[] => {
  const names = view.instances.map(({ name }) => name);
  const width = Math.max(indent(names), 'all'.length + 4);
  const blank = ' '.repeat(width + 1);
  const row = (name: string, cells: readonly string[], note = ''): string =>
    `${name.padStart(width)}:${cells.join('')}${note}`;
  return [
    heading('Rates since the last document, messages a second'),
    faint(blank + SIDES.map((side) => TITLES[side].padStart(2 * COLUMN_CHARS)).join('')),
    faint(blank + SIDES.map(() => cell('Received') + cell('Sent')).join('')),
    ...view.instances.map(({ name, restarted }) => {
      const cells = SIDES.map((side) =>
        rateCells(view[side].instances.find((it) => it.name === name)?.rates ?? null),
      );
      return plain(row(name, cells, restarted ? '  restarted' : ''));
    }),
    plain(
      row(
        'all',
        SIDES.map((side) => rateCells(view[side].rates)),
      ),
    ),
    plain(),
  ];
};

const reasons = (rejected: Readonly<Record<string, number>>): string => {
  const counts = Object.entries(rejected).filter(([, count]) => count > 0);
  const sum = counts.reduce((total, [, count]) => total + count, 0);
  if (sum === 0) return 'rejected 0';
  const list = counts
    .toSorted(([, a], [, b]) => b - a)
    .map(([code, count]) => `${singleLine(code)} ${count}`)
    .join(', ');
  return `rejected ${sum} (${list})`;
};

const instance = (it: InstanceView, width: number): Line[] => {
  const blank = ' '.repeat(width + 2);
  const stale = it.stale ? `  STALE: silent for ${duration(it.silent)}` : '';
  const status = it.status === 'OK' ? '' : `, status ${singleLine(it.status || 'unknown')}`;
  const started = it.started === null ? 'unknown' : timestamp(it.started);
  const first = `${it.name.padStart(width)}: version ${singleLine(it.version || 'unknown')}, started ${started}${status}${stale}`;
  const counts = [
    ...(it.rejected === null ? [] : [reasons(it.rejected)]),
    ...(it.expired === null ? [] : [`expired ${it.expired}`]),
  ];
  return [
    it.stale || it.status !== 'OK' ? alarm(first) : plain(first),
    ...SIDES.map((side) => {
      const { server, lastMessage } = it.connections[side];
      const where = server === null ? 'not connected' : singleLine(server);
      const last = lastMessage === null ? 'no message yet' : `last message ${timestamp(lastMessage)}`;
      const line = `${blank}${side} ${where}, ${last}`;
      return server === null ? alarm(line) : plain(line);
    }),
    ...it.linksDown.map(({ name, reason }) =>
      alarm(`${blank}link ${singleLine(name)} is down${reason === '' ? '' : `: ${singleLine(reason)}`}`),
    ),
    ...(counts.length === 0 ? [] : [plain(blank + counts.join(', '))]),
  ];
};

/** The whole table, beginning exactly as that of `mco federation observe`. */
export const formatView = (view: ClusterView): readonly Line[] => {
  const stale = new Set(view.instances.filter((it) => it.stale).map(({ name }) => name));
  const width = indent(view.instances.map(({ name }) => name));
  return [
    heading(`Federation Broker: ${singleLine(view.cluster)}`),
    plain(),
    ...SIDES.flatMap((side) => totals(side, view[side], stale)),
    ...rates(view),
    heading('Instances:'),
    ...view.instances.flatMap((it) => instance(it, width)),
    plain(),
    ...view.notes.map((note) => alarm(note)),
    faint(`Updated: ${timestamp(view.at)}`),
  ];
};
