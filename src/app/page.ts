import type { Stats } from '../bridge/stats.ts';
import { fileProblem } from '../config/files.ts';
import { type Exchange, Held } from '../control/held.ts';
import type { Audit } from '../envelope/audit.ts';
import type { BridgeObserver } from '../envelope/observer.ts';
import { Feed } from '../page/feed.ts';
import { countedFleets } from '../page/fleet.ts';
import { History } from '../page/history.ts';
import { Latencies } from '../page/latencies.ts';
import { LATENCY_MS, type PageState, shownStatus } from '../page/state.ts';
import { Trail } from '../page/trail.ts';
import type { Wires } from '../page/wires.ts';
import { type Console, consolesOf } from '../setup/consoles.ts';
import type { LoadedConfig } from '../setup/types.ts';
import { listenFailure } from '../telemetry/listen-failure.ts';
import type { HttpServer } from '../telemetry/listener.ts';
import type { Monitor } from '../telemetry/monitor.ts';
import type { StatusDocument } from '../telemetry/status/document.ts';
import { addressText } from '../transport/address.ts';
import type { AppAudit } from './audit/audit.ts';
import type { Links } from './links.ts';
import type { Nodes } from './nodes.ts';
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
  /** @throws ConfigError for an address that cannot be had: then nothing has changed */
  prepare(loaded: LoadedConfig): Promise<Exchange>;
  close(): Promise<void>;
}

/** Both hear all; what the first says of a request counts. */
const both = (audit: Audit, trail: Audit): Audit => ({
  record: (decided) => {
    void trail.record(decided);
    return audit.record(decided);
  },
  refused: (refused) => {
    trail.refused(refused);
    audit.refused(refused);
  },
  unsent: (...all) => {
    trail.unsent(...all);
    audit.unsent(...all);
  },
  answered: (answer) => {
    trail.answered(answer);
    audit.answered(answer);
  },
});

/** Closed as one: the server, and what feeds it. */
const servedBy = (server: HttpServer, feed: Feed): HttpServer => ({
  url: server.url,
  close: async () => {
    feed.stop();
    await server.close();
  },
});

export const createAppPage = (
  { audit, book, stats, links, wires, document, nodes, monitor }: AppPageOptions,
  { log, clock = Date.now, page: start }: Services,
): AppPage => {
  const held = new Held<HttpServer>();
  const trail = new Trail({
    describe: () => audit.shown(),
    clock,
    taken: (flow, ingress) => wires.taken(flow, ingress),
  });
  const latencies = new Latencies(clock);
  const fleets = countedFleets(() => nodes().document(), clock);
  let isOn = false;
  let consoles: readonly Console[] = [];
  const state = (): PageState => ({
    status: shownStatus(document()),
    passed: links.used.map(({ name, side, meter: { received, sent } }) => ({ name, side, received, sent })),
    latencies: latencies.byRoute(LATENCY_MS),
    fleets: fleets(),
    others: monitor().instances(),
  });
  const open = async (loaded: LoadedConfig): Promise<HttpServer | undefined> => {
    const { page, cluster, instance } = loaded.config;
    if (page === undefined || start === undefined) return undefined;
    const feed = new Feed({
      trail,
      history: new History(() => book.counted(stats), latencies),
      state,
      clock,
    });
    const onError = (error: unknown): void => log.error({ event: 'http_error', err: error }, 'http error');
    try {
      const who = { cluster, instance };
      const server = await start({ ...page, feed, who, consoles: () => consoles, onError });
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
    prepare: async (loaded) => {
      const { page } = loaded.config;
      const place = page && start && addressText(page);
      const exchange = await held.prepare(place, () => open(loaded));
      return {
        commit: async () => {
          isOn = place !== undefined;
          consoles = consolesOf(loaded.config);
          wires.follow(isOn ? (...sent) => trail.sent(...sent) : undefined);
          if (!isOn) trail.clear();
          await exchange.commit();
        },
        abandon: () => exchange.abandon(),
      };
    },
    close: () => held.close(),
  };
};
