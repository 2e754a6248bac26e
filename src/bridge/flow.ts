import { createHash, randomBytes } from 'node:crypto';

/** Makes the bridge's own id of a request, 32 hex digits. */
export type FlowSource = () => string;

const FLOW_ID_BYTES = 16;

/** Ids that chance is asked for at once: asking costs more than an id does. */
const IDS_PER_POOL = 256;

/** An id of chance each time. */
export const randomFlows = (): FlowSource => {
  let pool = Buffer.alloc(0);
  let used = 0;
  return () => {
    if (used === pool.length) {
      pool = randomBytes(IDS_PER_POOL * FLOW_ID_BYTES);
      used = 0;
    }
    used += FLOW_ID_BYTES;
    return pool.toString('hex', used - FLOW_ID_BYTES, used);
  };
};

/** The same ids in the same order each time, for a replay. */
export const flowsFrom = (seed: string): FlowSource => {
  let made = 0;
  return () =>
    createHash('sha256').update(`flow ${seed} ${made++}`).digest().toString('hex', 0, FLOW_ID_BYTES);
};
