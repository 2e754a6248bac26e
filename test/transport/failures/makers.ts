import type { LinkError } from '../../../src/transport/link.ts';
import type { Side } from './bench.ts';

/** Brings a cause about, and gives what the link says then: an error, or the text of an event. */
export type Maker = (side: Side) => Promise<LinkError | string>;

/** How a cause is brought about with each kind of link, in one way or several; one that is left out cannot have it. */
export type Makers = Partial<Record<Side['name'], Maker | readonly Maker[]>>;

export const both = (...makers: readonly Maker[]): Makers => ({ NATS: makers, STOMP: makers });
