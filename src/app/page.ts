import type { Stats } from '../bridge/stats.ts';
import { fileProblem, type ReadFile } from '../config/files.ts';
import { type Exchange, Held } from '../control/held.ts';
import type { Audit } from '../envelope/audit.ts';
import type { BridgeObserver } from '../envelope/observer.ts';
import type { PageLogin, Refused } from '../page/door.ts';
import { Feed } from '../page/feed.ts';
import { countedFleets } from '../page/fleet.ts';
import { History } from '../page/history.ts';
import { Latencies } from '../page/latencies.ts';
import type { PageServer, Viewer } from '../page/server.ts';
import { LATENCY_MS, type PageState, shownStatus } from '../page/state.ts';
import { Trail } from '../page/trail.ts';
import type { Wires } from '../page/wires.ts';
import { type Console, consolesOf } from '../setup/consoles.ts';
import type { LoadedConfig } from '../setup/types.ts';
import { listenFailure } from '../telemetry/listen-failure.ts';
import type { Monitor } from '../telemetry/monitor.ts';
import type { StatusDocument } from '../telemetry/status/document.ts';
import { addressText } from '../transport/address.ts';
import type { AppAudit } from './audit/audit.ts';
import { both } from './audit/both.ts';
import type { Links } from './links.ts';
import type { Nodes } from './nodes.ts';
import { pageLoginOf, shapeOf } from './page-login.ts';
import type { Services } from './services.ts';
import type { StatusBook } from './status.ts';

export interface AppPageOptions {
  /** Says what may be shown of a request. */
  readonly audit: Pick<AppAudit, 'shown'>;
  readonly book: Pick<StatusBook, 'counted'>;
  readonly stats: Stats;
  readonly links: Pick<Links, 'used'>;
  /** Which bytes requests come as, and go out as. */
  readonly wires: Wires;
  readonly document: () => StatusDocument;
  readonly nodes: () => Pick<Nodes, 'document'>;
  /** Knows of the other instances of the cluster. */
  readonly monitor: () => Pick<Monitor, 'instances'>;
}

/** The live page of an app: it hears all while it is served, and nothing else. */
export interface AppPage {
  readonly observer: Partial<BridgeObserver>;
  /** What an audit hears, the trail hears as well. */
  hearing(audit: Audit | undefined): Audit | undefined;
  /**
   * @param read reads the files that say who may see it
   * @throws ConfigError for an address that cannot be had: then nothing has changed
   */
  prepare(loaded: LoadedConfig, read: ReadFile): Promise<Exchange>;
  close(): Promise<void>;
}

/** Closed as one: the server, and what feeds it. */
const servedBy = (server: PageServer, feed: Feed): PageServer => ({
  ...server,
  close: async () => {
    feed.stop();
    await server.close();
  },
});

export const createAppPage = (
  { audit, book, stats, links, wires, document, nodes, monitor }: AppPageOptions,
  { log, clock = Date.now, page: start }: Services,
): AppPage => {
  const held = new Held<PageServer>();
  const trail = new Trail({
    describe: () => audit.shown(),
    clock,
    taken: (flow, ingress) => wires.taken(flow, ingress),
  });
  const latencies = new Latencies(clock);
  const fleets = countedFleets(() => nodes().document(), clock);
  let isOn = false;
  let served: { readonly place: string; readonly shape: string } | undefined;
  let consoles: readonly Console[] = [];
  const state = (): PageState => ({
    status: shownStatus(document()),
    passed: links.used.map(({ name, side, meter: { received, sent } }) => ({ name, side, received, sent })),
    latencies: latencies.byRoute(LATENCY_MS),
    fleets: fleets(),
    others: monitor().instances(),
  });
  const told = {
    onError: (error: unknown) => log.error({ event: 'http_error', err: error }, 'http error'),
    onFailure: (error: Error) => log.warn({ event: 'page_keys', reason: error.message }, 'no keys of tokens'),
    onRefused: (refused: Refused) =>
      log.warn({ event: 'page_refused', ...refused }, 'somebody may not see the page'),
    onViewer: (viewer: Viewer) => log.info({ event: 'page_viewer', ...viewer }, 'somebody looks at the page'),
  };
  const open = async (
    loaded: LoadedConfig,
    login: PageLogin | undefined,
  ): Promise<PageServer | undefined> => {
    const { page, cluster, instance } = loaded.config;
    if (page === undefined || start === undefined) return undefined;
    const feed = new Feed({
      trail,
      history: new History(() => book.counted(stats), latencies),
      state,
      clock,
    });
    try {
      const who = { cluster, instance };
      const server = await start({ ...page, ...told, login, feed, who, clock, consoles: () => consoles });
      feed.start();
      log.info({ event: 'page', url: server.url }, 'the live page');
      return servedBy(server, feed);
    } catch (error) {
      const message = `${addressText(page)} ${listenFailure(error)}`;
      throw fileProblem(loaded, ['page', 'listen'], message, error);
    }
  };
  return {
    observer: {
      refused: (refusal) => {
        if (isOn) trail.observer.refused(refusal);
      },
      requestDone: (summary) => {
        if (!isOn) return;
        trail.observer.requestDone(summary);
        latencies.requestDone(summary);
      },
    },
    hearing: (audit) => {
      if (!isOn) return audit;
      return audit === undefined ? trail.audit : both(audit, trail.audit);
    },
    prepare: async (loaded, read) => {
      const { page } = loaded.config;
      const place = page && start && addressText(page);
      const login = place === undefined ? undefined : pageLoginOf(loaded, read);
      const next = place === undefined ? undefined : { place, shape: shapeOf(login?.proof.tls) };
      // Two cannot listen there at once, and this one cannot become the other.
      if (next !== undefined && served?.place === next.place && served.shape !== next.shape)
        throw fileProblem(
          loaded,
          ['page', 'listen'],
          `${next.place} speaks ${served.shape} and would speak ${next.shape}: give another port, or restart the bridge`,
        );
      const exchange = await held.prepare(place, () => open(loaded, login));
      return {
        commit: async () => {
          isOn = place !== undefined;
          consoles = consolesOf(loaded.config);
          wires.follow(isOn ? (...sent) => trail.sent(...sent) : undefined);
          if (!isOn) trail.clear();
          await exchange.commit();
          held.now?.follow(login);
          served = next;
        },
        abandon: () => exchange.abandon(),
      };
    },
    close: () => held.close(),
  };
};
