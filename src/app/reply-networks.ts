import type { Config } from '../setup/types.ts';
import type { LinkSpec } from '../transport/spec.ts';

/** Where an egress leads to. */
interface Whereto {
  /** Of its link: which servers, and as whom. */
  readonly place: string;
  readonly network: string;
  /** Whether the configuration says so. */
  readonly isNamed: boolean;
}

/** Where an egress leads or led to. */
interface Known extends Whereto {
  readonly egress: string;
  /** Ms since the epoch: no reply counts for longer. */
  readonly until: number;
}

/** A request's time may lie its ttl ahead, and its replies count for its ttl from then on. */
const TTLS = 2;

const isSame = (one: Known, other: Known): boolean =>
  one.egress === other.egress &&
  one.place === other.place &&
  one.network === other.network &&
  one.isNamed === other.isNamed;

/** Two that are said to be different networks are so, wherever they connect to. */
export const isOneNetwork = (one: Whereto, other: Whereto): boolean =>
  one.network === other.network || (one.place === other.place && !(one.isNamed && other.isNamed));

/** The network that an egress makes reply tokens for. */
export const networkOf = ({ egresses }: Pick<Config, 'egresses'>, egress: string): string =>
  egresses.get(egress)?.network ?? egress;

/** @param link the egress's own */
export const whereto = (
  config: Pick<Config, 'egresses'>,
  { name, network: place }: Pick<LinkSpec, 'name' | 'network'>,
): Whereto => ({
  place,
  network: networkOf(config, name),
  isNamed: config.egresses.get(name)?.network !== undefined,
});

/**
 * Which egresses may hear replies to each other's requests: those of one network, under the configuration in force and, while
 * requests from then may be answered, under those before it.
 */
export class ReplyNetworks {
  readonly #clock: () => number;
  #known: readonly Known[] = [];
  /** Ms. */
  #maxTtl = 0;

  /**
   * @param clock ms since the epoch
   * @param specs all links of the configuration
   */
  constructor(clock: () => number, config: Pick<Config, 'egresses' | 'maxTtl'>, specs: readonly LinkSpec[]) {
    this.#clock = clock;
    this.follow(config, specs);
  }

  /**
   * Another configuration is in force.
   * @param specs all its links
   */
  follow(config: Pick<Config, 'egresses' | 'maxTtl'>, specs: readonly LinkSpec[]): void {
    const now = this.#clock();
    const known = specs
      .filter(({ side }) => side === 'egress')
      .map(
        (spec): Known => ({ ...whereto(config, spec), egress: spec.name, until: Number.POSITIVE_INFINITY }),
      );
    const before = this.#known
      .map((one) => ({ ...one, until: Math.min(one.until, now + TTLS * this.#maxTtl) }))
      .filter((one) => one.until > now && !known.some((other) => isSame(one, other)));
    this.#known = [...known, ...before];
    this.#maxTtl = config.maxTtl * 1000;
  }

  /** The networks whose reply tokens count at an egress. */
  at(egress: string): readonly string[] {
    const now = this.#clock();
    const known = this.#known.filter(({ until }) => until > now);
    const own = known.filter((one) => one.egress === egress);
    const all = known.filter((other) => own.some((one) => isOneNetwork(one, other)));
    return [...new Set(all.map(({ network }) => network))];
  }
}
