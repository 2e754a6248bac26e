import { createHash, randomBytes } from 'node:crypto';

/** Makes the bridge's own id of a request, 32 hex digits. */
export type FlowSource = () => string;

const BYTES = 16;

/** Ids that chance is asked for at once: asking costs more than an id does. */
const AT_ONCE = 256;

/** An id of chance each time. */
export const randomFlows = (): FlowSource => {
  let pool = Buffer.alloc(0);
  let used = 0;
  return () => {
    if (used === pool.length) {
      pool = randomBytes(AT_ONCE * BYTES);
      used = 0;
    }
    used += BYTES;
    return pool.toString('hex', used - BYTES, used);
  };
};

/** The same ids in the same order each time, for a replay. */
export const flowsFrom = (seed: string): FlowSource => {
  let made = 0;
  return () => createHash('sha256').update(`flow ${seed} ${made++}`).digest().toString('hex', 0, BYTES);
};
