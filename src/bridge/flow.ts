import { createHash, randomBytes } from 'node:crypto';

/** Makes the bridge's own id of a request, 32 hex digits. */
export type FlowSource = () => string;

const BYTES = 16;

export const randomFlow: FlowSource = () => randomBytes(BYTES).toString('hex');

/** The same ids in the same order each time, for a replay. */
export const flowsFrom = (seed: string): FlowSource => {
  let made = 0;
  return () => createHash('sha256').update(`flow ${seed} ${made++}`).digest().toString('hex', 0, BYTES);
};
