import { isIdentity, isToken } from '../envelope/check.ts';
import type { Log } from '../envelope/log.ts';
import { own } from '../envelope/text.ts';

/** How it is known that a node is there: it has answered the bridge's own question, or a request. */
export type SeenBy = 'discovery' | 'reply';

/** That a node of a collective is now known to live beyond an egress, or no longer. */
export interface Move {
  readonly egress: string;
  readonly collective: string;
  readonly node: string;
  /** How it became known; undefined: it is known no longer. */
  readonly came: SeenBy | undefined;
}

/** A node, and when it was there last. */
export interface Sighting {
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
  /** For an egress, those across the bridge: its nodes may move there. */
  readonly across?: ReadonlyMap<string, ReadonlySet<string>>;
  /** How many nodes are kept in all collectives together; no more are taken in beyond. */
  readonly capacity?: number;
  /** Puts off telling of changes, so that those of one moment are told together. */
  readonly later?: (tell: () => void) => void;
}

const CAPACITY = 100_000;
/** Ms. Nodes answer a discovery in a row, and who is told may go through all of them each time. */
const SETTLE = 50;

/** The nodes of one collective beyond one egress. */
interface Place {
  readonly names: Set<string>;
  readonly sightings: Map<string, { seen: number; by: SeenBy }>;
  /** When the latest question was asked that all have had the time to answer, in ms since the epoch. */
  asked?: number;
}

const NOWHERE: NonNullable<InventoryOptions['across']> = new Map();
const NOBODY: ReadonlySet<string> = new Set();

/** Which nodes have answered of late, by egress and collective. Knows nothing of what is configured. */
export class Inventory {
  readonly #options: InventoryOptions;
  readonly #capacity: number;
  #across: NonNullable<InventoryOptions['across']>;
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
    this.#capacity = options.capacity ?? CAPACITY;
    this.#across = options.across ?? NOWHERE;
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
  follow({ across = NOWHERE, expire }: Pick<InventoryOptions, 'across' | 'expire'>): void {
    this.#across = across;
    this.#expire = expire;
  }

  /** Calls at once for each node that comes or goes. */
  onMove(watcher: (move: Move) => void): void {
    this.#watchers.push(watcher);
  }

  /** A node was there just now. What names it came from the network: a name that is none is left out, and told once. */
  seen(egress: string, collective: string, node: string, by: SeenBy): void {
    this.#leaveOthers(egress, collective, node);
    const now = this.#options.clock();
    const known = this.#placeOf(egress, collective)?.sightings.get(node);
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
    const { names, sightings } = this.#place(egress, place);
    names.add(name);
    sightings.set(name, { seen: now, by });
    this.#size++;
    this.#tell({ egress, collective: place, node: name, came: by });
    this.#changed();
  }

  /** A node is no longer there. */
  left(egress: string, collective: string, node: string): void {
    const place = this.#placeOf(egress, collective);
    if (place?.sightings.has(node) !== true) return;
    this.#forget(place, { egress, collective, node });
    this.#changed();
  }

  /**
   * All nodes have had the time to answer what was asked then, in ms since the epoch. Who was heard of across the
   * bridge since its last word here has moved there; anybody else may only be late, and is kept until he expires.
   */
  surveyed(egress: string, collective: string, asked: number): void {
    const place = this.#placeOf(egress, collective);
    if (place === undefined) return;
    place.asked = asked;
    const before = this.#size;
    for (const [node, { seen }] of place.sightings)
      if (seen < asked && this.#isHeardAcross(egress, collective, node, seen))
        this.#forget(place, { egress, collective, node });
    if (this.#size !== before) this.#changed();
  }

  /** The nodes that are there. The set goes on changing with the inventory. */
  learned(egress: string, collective: string): ReadonlySet<string> {
    return this.#placeOf(egress, collective)?.names ?? NOBODY;
  }

  /** The nodes that are there and how that is known, in the order in which they came. */
  sightings(egress: string, collective: string): readonly Sighting[] {
    const place = this.#placeOf(egress, collective);
    return place === undefined
      ? []
      : [...place.sightings].map(([identity, sighting]) => ({ identity, ...sighting }));
  }

  /** Forgets who has been silent for too long. Nothing is forgotten in between. */
  sweep(): void {
    const now = this.#options.clock();
    const before = this.#size;
    for (const [egress, places] of this.#places) {
      const oldest = now - this.#expire(egress);
      for (const [collective, place] of places)
        for (const [node, sighting] of place.sightings) {
          // A clock that was set back must not keep a node for the time between.
          if (sighting.seen > now) sighting.seen = now;
          if (sighting.seen <= oldest) this.#forget(place, { egress, collective, node });
        }
    }
    if (this.#size !== before) this.#changed();
  }

  /** A node that is heard of here has moved from where it did not answer when it was asked last. */
  #leaveOthers(egress: string, collective: string, node: string): void {
    for (const [side, across] of this.#across) {
      const place = across.has(egress) ? this.#placeOf(side, collective) : undefined;
      const seen = place?.sightings.get(node)?.seen;
      if (place?.asked === undefined || seen === undefined || seen >= place.asked) continue;
      this.#forget(place, { egress: side, collective, node });
      this.#changed();
    }
  }

  #isHeardAcross(egress: string, collective: string, node: string, since: number): boolean {
    for (const other of this.#across.get(egress) ?? []) {
      const seen = this.#placeOf(other, collective)?.sightings.get(node)?.seen;
      if (seen !== undefined && seen > since) return true;
    }
    return false;
  }

  #forget({ names, sightings }: Place, where: Omit<Move, 'came'>): void {
    sightings.delete(where.node);
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
    const place: Place = places.get(collective) ?? { names: new Set(), sightings: new Map() };
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

  /** Whoever is on the network decides how often this happens, so it is told once of a kind. */
  #complain(kind: string, fields: Readonly<Record<string, string>>, what: string): void {
    if (this.#complained.has(kind)) return;
    this.#complained.add(kind);
    this.#options.log.warn(
      { event: 'inventory_full', ...fields },
      `${what} is left out of the inventory; further ones silently`,
    );
  }
}

const soon = (tell: () => void): void => void setTimeout(tell, SETTLE).unref();
