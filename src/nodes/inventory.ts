import { isIdentity, isToken } from '../envelope/check.ts';
import type { Log } from '../envelope/log.ts';
import { own } from '../envelope/text.ts';

/** How a node became known: it has answered the bridge's own discovery, or a request. */
export type SeenBy = 'discovery' | 'reply';

/** A node of a collective has become known behind an egress, or is no longer. */
export interface Move {
  readonly egress: string;
  readonly collective: string;
  readonly node: string;
  /** How it became known; undefined: it is known no longer. */
  readonly came: SeenBy | undefined;
}

/** A node, and when it was there last. */
export interface NodeRecord {
  readonly identity: string;
  /** Ms since the epoch. */
  readonly seen: number;
  readonly by: SeenBy;
}

export interface InventoryOptions {
  /** Ms since the epoch. */
  readonly clock: () => number;
  readonly log: Pick<Log, 'warn'>;
  /** For how long a node of that egress counts as there after it was seen, in ms. */
  readonly expire: (egress: string) => number;
  /** For each egress, its peer egresses: its nodes may move to them. */
  readonly peerEgresses?: ReadonlyMap<string, ReadonlySet<string>>;
  /** How many nodes are kept in all collectives together; no more are taken in beyond. */
  readonly capacity?: number;
  /** Delays notices of changes, so that those of one moment come together. */
  readonly later?: (tell: () => void) => void;
}

const MAX_NODES = 100_000;
/** Ms. Nodes answer discovery in a row, and a listener may go through all of them each time. */
const SETTLE_DELAY_MS = 50;

/** The nodes of one collective behind one egress. */
interface Place {
  readonly names: Set<string>;
  readonly records: Map<string, { seen: number; by: SeenBy }>;
  /** When the latest question was asked that all have had the time to answer, in ms since the epoch. */
  asked?: number;
}

const NOWHERE: NonNullable<InventoryOptions['peerEgresses']> = new Map();
const NOBODY: ReadonlySet<string> = new Set();

/** The nodes that have answered of late, by egress and collective. Patterns of the configuration are not in it. */
export class Inventory {
  readonly #options: InventoryOptions;
  readonly #capacity: number;
  #peerEgresses: NonNullable<InventoryOptions['peerEgresses']>;
  #expire: InventoryOptions['expire'];
  readonly #places = new Map<string, Map<string, Place>>();
  readonly #listeners = new Set<() => void>();
  readonly #watchers: ((move: Move) => void)[] = [];
  readonly #complained = new Set<string>();
  #size = 0;
  #refused = 0;
  #version = 0;
  #telling = false;

  constructor(options: InventoryOptions) {
    this.#options = options;
    this.#capacity = options.capacity ?? MAX_NODES;
    this.#peerEgresses = options.peerEgresses ?? NOWHERE;
    this.#expire = options.expire;
  }

  /** Nodes of all collectives; one that is in two collectives counts twice. */
  get size(): number {
    return this.#size;
  }

  /** How often a node was not taken in because there was no room. */
  get refused(): number {
    return this.#refused;
  }

  /** Another number whenever a node has come or gone. */
  get version(): number {
    return this.#version;
  }

  /**
   * Calls soon after nodes have come or gone, once for all of one moment; not when known ones are seen again.
   * @returns ends it
   */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Another configuration: other nodes move between other egresses, and count for longer or less. What is known stays. */
  follow({ peerEgresses = NOWHERE, expire }: Pick<InventoryOptions, 'peerEgresses' | 'expire'>): void {
    this.#peerEgresses = peerEgresses;
    this.#expire = expire;
  }

  /** Calls at once for each node that comes or goes. */
  onMove(watcher: (move: Move) => void): void {
    this.#watchers.push(watcher);
  }

  /** A node was there just now. Its name came from the network: an invalid one is left out, and reported once. */
  observe(egress: string, collective: string, node: string, by: SeenBy): void {
    this.#leaveOthers(egress, collective, node);
    const now = this.#options.clock();
    const known = this.#placeOf(egress, collective)?.records.get(node);
    if (known !== undefined) {
      known.seen = now;
      known.by = by;
      return;
    }
    if (!isIdentity(node) || !isToken(collective)) {
      this.#complain(`names of ${egress}`, { egress, collective, node }, 'a node without a valid identity');
      return;
    }
    if (this.#size >= this.#capacity) {
      this.#refused++;
      this.#complain(
        'room',
        { egress, collective, node },
        `${this.#capacity} nodes are known, which is all there is room for: this one`,
      );
      return;
    }
    const place = own(collective);
    const name = own(node);
    const { names, records } = this.#place(egress, place);
    names.add(name);
    records.set(name, { seen: now, by });
    this.#size++;
    this.#tell({ egress, collective: place, node: name, came: by });
    this.#changed();
  }

  /** A node is no longer there. */
  left(egress: string, collective: string, node: string): void {
    const place = this.#placeOf(egress, collective);
    if (place?.records.has(node) !== true) return;
    this.#forget(place, { egress, collective, node });
    this.#changed();
  }

  /**
   * All nodes have had the time to answer the discovery of that moment, in ms since the epoch. A node that was heard of at a
   * peer egress since its last answer here has moved there; any other may only be late, and is kept until it expires.
   */
  targets(egress: string, collective: string, asked: number): void {
    const place = this.#placeOf(egress, collective);
    if (place === undefined) return;
    place.asked = asked;
    const before = this.#size;
    for (const [node, { seen }] of place.records)
      if (seen < asked && this.#isHeardAcross(egress, collective, node, seen))
        this.#forget(place, { egress, collective, node });
    if (this.#size !== before) this.#changed();
  }

  /** The nodes that are there. The set goes on changing with the inventory. */
  learned(egress: string, collective: string): ReadonlySet<string> {
    return this.#placeOf(egress, collective)?.names ?? NOBODY;
  }

  /** The nodes that are there and how that is known, in the order in which they came. */
  records(egress: string, collective: string): readonly NodeRecord[] {
    const place = this.#placeOf(egress, collective);
    return place === undefined
      ? []
      : [...place.records].map(([identity, sighting]) => ({ identity, ...sighting }));
  }

  /** Forgets nodes that have been silent for too long. Nothing is forgotten in between. */
  sweep(): void {
    const now = this.#options.clock();
    const before = this.#size;
    for (const [egress, places] of this.#places) {
      const oldest = now - this.#expire(egress);
      for (const [collective, place] of places)
        for (const [node, sighting] of place.records) {
          // A clock that was set back must not keep a node for the time between.
          if (sighting.seen > now) sighting.seen = now;
          if (sighting.seen <= oldest) this.#forget(place, { egress, collective, node });
        }
    }
    if (this.#size !== before) this.#changed();
  }

  /** A node that is heard of here has moved from where it did not answer when it was asked last. */
  #leaveOthers(egress: string, collective: string, node: string): void {
    for (const [side, peerEgresses] of this.#peerEgresses) {
      const place = peerEgresses.has(egress) ? this.#placeOf(side, collective) : undefined;
      const seen = place?.records.get(node)?.seen;
      if (place?.asked === undefined || seen === undefined || seen >= place.asked) continue;
      this.#forget(place, { egress: side, collective, node });
      this.#changed();
    }
  }

  #isHeardAcross(egress: string, collective: string, node: string, since: number): boolean {
    for (const other of this.#peerEgresses.get(egress) ?? []) {
      const seen = this.#placeOf(other, collective)?.records.get(node)?.seen;
      if (seen !== undefined && seen > since) return true;
    }
    return false;
  }

  #forget({ names, records }: Place, where: Omit<Move, 'came'>): void {
    records.delete(where.node);
    names.delete(where.node);
    this.#size--;
    this.#tell({ ...where, came: undefined });
  }

  #tell(move: Move): void {
    for (const watcher of this.#watchers) watcher(move);
  }

  #placeOf(egress: string, collective: string): Place | undefined {
    return this.#places.get(egress)?.get(collective);
  }

  #place(egress: string, collective: string): Place {
    const places = this.#places.get(egress) ?? new Map<string, Place>();
    this.#places.set(egress, places);
    const place: Place = places.get(collective) ?? { names: new Set(), records: new Map() };
    places.set(collective, place);
    return place;
  }

  #changed(): void {
    this.#version++;
    if (this.#telling) return;
    this.#telling = true;
    const later = this.#options.later ?? soon;
    later(() => {
      this.#telling = false;
      for (const listener of this.#listeners) listener();
    });
  }

  /** Senders on the network decide how often this happens, so each kind is reported once. */
  #complain(kind: string, fields: Readonly<Record<string, string>>, what: string): void {
    if (this.#complained.has(kind)) return;
    this.#complained.add(kind);
    this.#options.log.warn(
      { event: 'inventory_full', ...fields },
      `${what} is left out of the inventory; further ones silently`,
    );
  }
}

const soon = (tell: () => void): void => void setTimeout(tell, SETTLE_DELAY_MS).unref();
