/** How an ingress shares what each instance gets a copy of. */
export const SHARES = ['claims', 'queue', 'single'] as const;
export type Share = (typeof SHARES)[number];

/**
 * How far ahead a client's clock may be where broadcasts are claimed and nothing else is said, in seconds. A claim is kept
 * for as long as its broadcast could come again, so more of it makes all claims be kept for longer.
 */
export const CLAIMS_MAX_AHEAD_SECONDS = 60;
