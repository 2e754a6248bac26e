import { BRIDGE_MARKER } from '../../adapters/mcollective/wire/addressing.ts';
import { type FlowSource, flowsFrom } from '../../bridge/flow.ts';
import { Unfinished } from '../../bridge/unfinished.ts';
import type { KeyFiles } from '../../config/key-files.ts';
import { type Log, SILENT_LOG } from '../../envelope/log.ts';
import { type BridgeObserver, refusalText } from '../../envelope/observer.ts';
import type { Move } from '../../nodes/inventory.ts';
import type { LoadedConfig } from '../../setup/types.ts';
import type { OutgoingMessage } from '../../transport/link.ts';
import type { LinkPlace, LinkSide, LinkSpec } from '../../transport/spec.ts';
import type { Transports } from '../../transport/transports.ts';
import {
  bodyFields,
  bodyOf,
  type CassetteHeader,
  type CassetteMessage,
  type CassetteNodes,
  type CassetteRejected,
} from '../file/format.ts';
import { rejectedFields } from '../file/rejected.ts';
import { type ReplayLink, replayLink } from './link.ts';
import type { ReplayConfig } from './replay-config.ts';

/** What an app is given so that it runs on a stage. */
export interface HarnessServices {
  readonly log: Log;
  readonly version: string;
  readonly clock: () => number;
  readonly observers: readonly Partial<BridgeObserver>[];
  readonly offline: true;
  readonly collect: number;
  readonly flows: FlowSource;
  readonly transports: Transports;
  readonly keys: KeyFiles;
  readonly sideKeys: (place: LinkPlace) => KeyFiles;
}

/** As much of an app as a stage uses. */
export interface HarnessApp {
  start(): Promise<void>;
  stop(): Promise<void>;
  readonly nodes: { moved(move: Move): void };
}

/** Makes the app that a configuration describes; `createApp` is one. */
export type AppMaker = (loaded: LoadedConfig, services: HarnessServices) => HarnessApp;

export interface HarnessOptions {
  /** The program's. */
  readonly version: string;
  readonly createApp: AppMaker;
}

/** What the bridge did with what it was fed. */
export type BridgeOutput =
  | { readonly kind: 'sent'; readonly message: CassetteMessage; readonly body: Buffer }
  | {
      readonly kind: 'rejected';
      readonly rejected: CassetteRejected['rejected'];
      /** In words, for people. */
      readonly message: string;
    };

/** The real bridge on links without a network, at the time of the message that it is fed. */
export interface Harness {
  /** @returns whether the bridge listens there */
  feed(message: CassetteMessage): boolean;
  /** Lets the bridge know who has come and gone, as the recorded one has found out by itself. */
  moved(line: CassetteNodes): void;
  /** Whether the bridge is still at what it was fed. */
  isBusy(): boolean;
  /**
   * Resolves once the bridge has done all that it does about what it was fed.
   * @param collects whether that may be put together with what comes in the same turn
   */
  settled(collects: boolean): Promise<void>;
  /** What has happened since the last time. */
  take(): readonly BridgeOutput[];
  close(): Promise<void>;
}

/** Ms of real time. A signature takes one, and a machine may be busy. */
const IDLE_TIMEOUT_MS = 60_000;
/** Ms of real time that a subscription takes to follow what was learned of nodes: those of the inventory and of both ingresses, and some. */
const SUBSCRIPTION_DELAY_MS = 600;

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export const openHarness = async (
  { loaded, keys, sideKeys }: Pick<ReplayConfig, 'loaded' | 'keys' | 'sideKeys'>,
  header: CassetteHeader,
  { version, createApp }: HarnessOptions,
): Promise<Harness> => {
  const links = new Map<string, ReplayLink>();
  let now = header.clock;
  /** Whether a reply was fed last. */
  let isReply = false;
  let outcomes: BridgeOutput[] = [];
  const unfinished = new Unfinished();

  const onSend = (link: string, side: LinkSide, message: OutgoingMessage): void => {
    const { destination, replyTo, headers, body } = message;
    const isHandedBack = headers?.[BRIDGE_MARKER] !== undefined;
    if (side === 'ingress' && !isHandedBack) unfinished.left();
    outcomes.push({
      kind: 'sent',
      message: {
        at: now,
        link,
        side,
        dir: 'out',
        destination,
        ...(replyTo !== undefined && { reply_to: replyTo }),
        ...(headers !== undefined && { headers: { ...headers } }),
        ...bodyFields(body),
      },
      body: Buffer.from(body.buffer, body.byteOffset, body.byteLength),
    });
  };

  const observer: Partial<BridgeObserver> = {
    step: (step) => unfinished.step(step),
    handled: (what) => unfinished.handled(what),
    refused: (refusal) => {
      if (refusal.byLink) return;
      outcomes.push({
        kind: 'rejected',
        rejected: rejectedFields(refusal),
        message: refusalText(refusal),
      });
    },
  };

  const linkOf = ({ name, side, servers: [server = ''] }: LinkSpec): ReplayLink => {
    const link = replayLink(server, (message) => onSend(name, side, message));
    links.set(`${side} ${name}`, link);
    return link;
  };
  const app = createApp(loaded, {
    log: SILENT_LOG,
    version,
    clock: () => now,
    observers: [observer],
    offline: true,
    collect: 0,
    flows: flowsFrom(header.seed),
    transports: { open: linkOf },
    keys,
    sideKeys,
  });
  for (const [egress, collectives] of Object.entries(header.nodes))
    for (const [collective, names] of Object.entries(collectives))
      for (const node of names) app.nodes.moved({ egress, collective, node, came: 'reply' });
  await app.start();

  const isBusy = (): boolean => {
    const [only, ...others] = outcomes;
    // A reply that is home.
    if (only?.kind === 'sent' && only.message.side === 'ingress' && others.length === 0 && isReply)
      return false;
    return unfinished.isBusy;
  };

  return {
    feed: (message) => {
      now = message.at;
      isReply = message.side === 'egress';
      const { link, side, destination, reply_to: replyTo, headers = {} } = message;
      return (
        links.get(`${side} ${link}`)?.deliver({
          destination,
          headers,
          body: bodyOf(message),
          ...(replyTo !== undefined && { replyTo }),
        }) ?? false
      );
    },

    moved: ({ at, nodes: { egress, collective, came = [], gone = [] } }) => {
      now = at;
      for (const node of came) app.nodes.moved({ egress, collective, node, came: 'discovery' });
      for (const node of gone) app.nodes.moved({ egress, collective, node, came: undefined });
    },

    isBusy,

    settled: async (collects) => {
      if (collects) await nextTurn();
      if (!isBusy()) return;
      const deadline = performance.now() + IDLE_TIMEOUT_MS;
      while (isBusy()) {
        if (performance.now() > deadline)
          throw new Error(`the bridge has not finished a message within ${IDLE_TIMEOUT_MS / 1000} s`);
        await nextTurn();
      }
    },

    take: () => {
      const taken = outcomes;
      outcomes = [];
      return taken;
    },

    close: () => app.stop(),
  };
};

/** Resolves once subscriptions have followed what the bridge has learned of nodes. */
export const subscriptionsFollow = (): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, SUBSCRIPTION_DELAY_MS));
