/**
 * When an instance of a cluster counts. Each publishes a statement of itself at least once an interval `b`, on a
 * subject that it hears itself, and everything follows from when its own statements come back.
 *
 * Two instances that count each other for a request never both take it, whomever else they know: the hash makes one
 * of the two the greater. So all that is needed for "never twice" is that whoever takes a request is counted for it
 * by each other instance that could take it. Let an instance *cover* the time until `fence` after it sent the newest
 * statement that has come back to it; beyond that it takes nothing. A NATS server hands its messages to a subscriber
 * in the order in which it got them. Hence a statement that came back, sent at c, proves that all which the server
 * had got from others by c has been read here, also after this process was stopped and woke up with full sockets,
 * where requests may be read before statements.
 *
 * - Joining: X takes requests from its `since` on, at least `fence` after its first statement that says so came
 *   back. Y that takes a request later than that has a c after this statement: it knows X. And before its own
 *   `since`, X must have heard back a statement sent after all that Y, which covers every moment, must have said.
 * - Silence: Y drops X when it has heard back a statement that it sent `drop` or more after it last heard X. Had X
 *   said anything until then, Y would have read it; and so X's cover, `fence` from its last, ended before. X, when
 *   it wakes up, takes part anew with a later `since`. Where Y's connection broke and was made anew, Y may have missed
 *   what X said in between: `drop` begins with the new one.
 * - Late requests: each has its own time, the same for all instances, and is shared among those that counted then,
 *   not among those that count when it is read. A dropped X goes on counting for what was sent before it was dropped.
 * - Leaving: X says until when (by the requests' time) it takes requests, and stays until then: nothing is lost.
 *
 * Ages are measured on each instance's own steady clock. Clocks of the day are compared only where a request's time
 * meets `since` and `until`; a client or instance whose clock is off by more than `spare` can make requests be lost
 * around a change, and handled twice only where an instance reads them later than `spare` too.
 *
 * What it rests on: one NATS server or cluster that all instances share. Where such a cluster itself falls apart into
 * halves while all instances stay connected to one legacy broker, nothing here can tell a half from a dead one.
 */
export interface Timing {
  /** Ms between statements; all others follow from it. */
  readonly interval: number;
  /** Ms that an instance takes requests after it has sent a statement that came back. */
  readonly fence: number;
  /** Ms from a first statement to the first request. */
  readonly join: number;
  /** Ms of silence after which an instance is dropped. */
  readonly drop: number;
  /** Ms by which these are apart, for the network and for clocks. */
  readonly spare: number;
}

export const timingOf = (interval: number): Timing => ({
  interval,
  fence: 2 * interval,
  join: 2.5 * interval,
  drop: 3.5 * interval,
  spare: interval / 2,
});

/** A moment by both clocks of this process, in ms. */
export interface Moment {
  /** Never set, and goes on while the process is stopped. */
  readonly steady: number;
  /** Since the epoch. */
  readonly epoch: number;
}
