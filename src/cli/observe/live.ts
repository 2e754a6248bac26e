import { statsSubject } from '../../adapters/choria/wire/stats.ts';
import { formatView } from '../../telemetry/observe/format.ts';
import { viewObject } from '../../telemetry/observe/json.ts';
import { alarm, faint, heading, type Line, plain } from '../../telemetry/observe/line.ts';
import type { ClusterView } from '../../telemetry/observe/view.ts';
import { canRedraw } from '../terminal.ts';
import { redrawn } from './redrawn.ts';
import { type Watch, type Watched, watch } from './watch.ts';

export interface LiveOptions extends Watched {
  readonly json: boolean;
}

/** Ms in which documents of several instances make one update. */
const GATHER_DELAY_MS = 100;
/** Ms: instances fall silent without a document saying so. */
const REFRESH_INTERVAL_MS = 1000;
/** Ms between updates, however much comes in: anybody on the network can publish without end. */
const MIN_UPDATE_INTERVAL_MS = 1000;

/** Shows updates somewhere, and what remains at the end. */
interface Display {
  /** @param news whether anything has come in since the last, or an instance turned stale */
  update(news: boolean): void;
  end(): void;
}

/**
 * Shows updates until SIGINT or SIGTERM.
 * @throws LinkError where no server can be used
 */
export const observeLive = async (options: LiveOptions): Promise<void> => {
  let gathering: NodeJS.Timeout | undefined;
  let display: Display | undefined;
  let updated = Number.NEGATIVE_INFINITY;
  const onChange = (): void => {
    gathering ??= setTimeout(
      () => {
        gathering = undefined;
        updated = performance.now();
        display?.update(true);
      },
      Math.max(GATHER_DELAY_MS, updated + MIN_UPDATE_INTERVAL_MS - performance.now()),
    );
  };
  const watched = await watch(options, onChange);
  const onScreen = canRedraw(process.stdout) && !options.json;
  display = onScreen ? screenDisplay(watched, options) : streamDisplay(watched, options);
  const timer = setInterval(() => display?.update(false), REFRESH_INTERVAL_MS);
  try {
    await new Promise((resolve) => {
      process.once('SIGINT', resolve);
      process.once('SIGTERM', resolve);
    });
  } finally {
    clearInterval(timer);
    clearTimeout(gathering);
    display.end();
    await watched.close();
  }
};

const waitingLines = ({ cluster, network }: Watched): readonly Line[] => [
  heading(`Federation Broker: ${cluster}`),
  plain(),
  plain(`Waiting for statistics on ${statsSubject(cluster)}`),
  plain(`at ${network.linkOptions.servers.join(', ')}`),
  faint('Instances publish every 10 s, unless configured otherwise. mcbridge federation observe --once says'),
  faint('what to check where none comes.'),
];

const linesOf = (watched: Watch, view: ClusterView, options: Watched): readonly Line[] => {
  const trouble = watched.trouble();
  const unheard = [...(options.only ?? [])].filter((name) => !watched.cluster.names().has(name));
  return [
    ...(watched.cluster.names().size === 0 ? waitingLines(options) : formatView(view)),
    ...(watched.cluster.names().size === 0 ? view.notes.map((note) => alarm(note)) : []),
    ...(unheard.length === 0 ? [] : [alarm(`nothing heard of instance ${unheard.join(', ')} yet`)]),
    ...(trouble === undefined ? [] : [alarm(trouble)]),
  ];
};

/** A table that is redrawn in place. */
const screenDisplay = (watched: Watch, options: LiveOptions): Display => {
  const { draw, end } = redrawn(() =>
    linesOf(watched, watched.cluster.view(watched.now(), options.only), options),
  );
  return { update: draw, end };
};

/** A block, or a line of JSON, each time that anything has changed. */
const streamDisplay = (watched: Watch, options: LiveOptions): Display => {
  let stale = '';
  for (const { text } of waitingLines(options).slice(2, 4)) process.stderr.write(`${text}\n`);
  return {
    update: (news) => {
      const view = watched.cluster.view(watched.now(), options.only);
      const nowStale = view.instances.flatMap((it) => (it.stale ? it.name : [])).join();
      const trouble = watched.trouble();
      const anything = watched.cluster.names().size > 0 || view.malformed.count > 0 || trouble !== undefined;
      if (!anything || (!news && nowStale === stale)) return;
      stale = nowStale;
      if (options.json) {
        const notes = [...view.notes, ...(trouble === undefined ? [] : [trouble])];
        process.stdout.write(`${JSON.stringify(viewObject({ ...view, notes }))}\n`);
        return;
      }
      for (const line of [...linesOf(watched, view, options), plain()])
        process.stdout.write(`${line.text}\n`);
    },
    end: () => undefined,
  };
};
