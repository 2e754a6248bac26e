import { statsSubject } from '../../adapters/choria/wire/stats.ts';
import { formatView } from '../../telemetry/observe/format.ts';
import { viewObject } from '../../telemetry/observe/json.ts';
import { alarm, crop, faint, heading, type Line, plain } from '../../telemetry/observe/line.ts';
import type { ClusterView } from '../../telemetry/observe/view.ts';
import { canRedraw } from '../terminal.ts';
import { paint } from './paint.ts';
import { Screen } from './screen.ts';
import { type Watch, type Watched, watch } from './watch.ts';

export interface LiveOptions extends Watched {
  readonly json: boolean;
}

/** Ms in which documents of several instances make one update. */
const GATHER = 100;
/** Ms: instances fall silent without a document saying so. */
const TICK = 1000;
/** Ms between updates, however much comes in: anybody on the network can publish without end. */
const REST = 1000;

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
      Math.max(GATHER, updated + REST - performance.now()),
    );
  };
  const watched = await watch(options, onChange);
  const onScreen = canRedraw(process.stdout) && !options.json;
  display = onScreen ? screenDisplay(watched, options) : streamDisplay(watched, options);
  const timer = setInterval(() => display?.update(false), TICK);
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
  const screen = new Screen(process.stdout);
  const current = (): readonly Line[] =>
    linesOf(watched, watched.cluster.view(watched.now(), options.only), options);
  const draw = (): void => screen.draw(paint(crop(current(), screen.columns, screen.rows), process.stdout));
  const suspend = (): void => {
    screen.leave();
    process.kill(process.pid, 'SIGSTOP');
  };
  const resume = (): void => {
    screen.enter();
    draw();
  };
  process.stdout.on('resize', draw);
  process.on('SIGTSTP', suspend);
  process.on('SIGCONT', resume);
  resume();
  return {
    update: draw,
    end: () => {
      process.stdout.off('resize', draw);
      process.off('SIGTSTP', suspend);
      process.off('SIGCONT', resume);
      screen.leave();
      // What was seen last stays in the terminal's history.
      for (const line of paint(current(), process.stdout)) process.stdout.write(`${line}\n`);
    },
  };
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
