import type { ChalkInstance } from 'chalk';
import { escapeControls } from '../terminal.ts';
import { type Findings, findingsOf, type ProbeContext } from './findings.ts';
import type { Probe } from './probe.ts';
import { type Route, routeOf, type Station } from './route.ts';

export interface TraceContext extends ProbeContext {
  readonly client: string;
}

/** One way to a node: traced, or what is known of where it ended. */
export type Trace =
  | {
      readonly cluster: string | null;
      readonly answered: true;
      readonly requestId: string;
      readonly milliseconds: number;
      readonly legacy: boolean;
      readonly out: readonly Station[];
      readonly back: readonly Station[];
    }
  | ({
      readonly cluster: string | null;
      readonly answered: false;
      readonly requestId: string;
    } & Findings);

const traceOf = (probe: Probe, context: TraceContext): readonly Trace[] => {
  const { requestId, replies } = probe;
  const cluster = probe.cluster ?? null;
  if (replies.length === 0) return [{ cluster, answered: false, requestId, ...findingsOf(probe, context) }];
  return replies.map(({ milliseconds, trail = [] }) => {
    const route: Route = routeOf({ ...context, trail });
    return { cluster, answered: true, requestId, milliseconds: Number(milliseconds.toFixed(2)), ...route };
  });
};

export const tracesOf = (probes: readonly Probe[], context: TraceContext): readonly Trace[] =>
  probes.flatMap((probe) => traceOf(probe, context));

const label = (station: Station, colour: ChalkInstance): string => {
  switch (station.kind) {
    case 'server':
      return escapeControls(station.url);
    case 'destination': {
      const header = station.header === undefined ? '' : `, ${station.header}`;
      return colour.dim(`${escapeControls(station.name)}${escapeControls(header)}`);
    }
    default:
      return `${colour.bold(escapeControls(station.name))} ${colour.dim(`(${station.kind})`)}`;
  }
};

const tree = (stations: readonly Station[], colour: ChalkInstance): readonly string[] =>
  stations.map((station, depth) =>
    depth === 0
      ? `  ${label(station, colour)}`
      : `${' '.repeat(2 + (depth - 1) * 3)}└─ ${label(station, colour)}`,
  );

const by = (cluster: string | null): string => (cluster === null ? '' : ` through the cluster ${cluster}`);

const lines = (trace: Trace, node: string, colour: ChalkInstance): readonly string[] => {
  if (!trace.answered)
    return [
      `${colour.red('✗')} ${colour.bold(node)} did not answer${by(trace.cluster)}`,
      '',
      `The request is known to have reached ${trace.reached}.`,
      '',
      'What to check:',
      ...trace.check.map((question) => `  - ${question}`),
      '',
    ];
  return [
    `${colour.green('✓')} ${colour.bold(node)} answered${by(trace.cluster)} in ${trace.milliseconds.toFixed(2)} ms`,
    '',
    'The way out',
    ...tree(trace.out, colour),
    '',
    'The way back',
    ...tree(trace.back, colour),
    ...(trace.legacy
      ? [
          '',
          colour.dim(
            'Legacy nodes record no hops: the bridge has written theirs, and the destinations are those of the protocol.',
          ),
        ]
      : []),
    '',
  ];
};

export const textReport = (traces: readonly Trace[], node: string, colour: ChalkInstance): string =>
  traces.flatMap((trace) => lines(trace, node, colour)).join('\n');
