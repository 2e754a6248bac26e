import type { Tally } from '../envelope/tally.ts';
import { BlastRadius } from './blast-radius.ts';
import { Buckets } from './limits/buckets.ts';

/** What policies remember of requests; it outlives each configuration. */
export class PolicyMemory {
  readonly blastRadius = new BlastRadius();
  readonly buckets = new Buckets();
  /** Counts what requests reach by all instances; where it is not given, this one counts alone. */
  readonly tally: Tally | undefined;

  constructor(tally?: Tally) {
    this.tally = tally;
  }
}
