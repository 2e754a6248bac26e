import { REACHING } from './reaching.ts';
import { SECURING } from './securing.ts';
import { SERVING } from './serving.ts';

/** Every cause that the links of all protocols tell apart; docs/troubleshooting.md has them as a table. */
export const FAILURES = { ...REACHING, ...SECURING, ...SERVING } as const;

export type FailureKind = keyof typeof FAILURES;
