const MINUTE_SECONDS = 60;
const HOUR_SECONDS = 60 * MINUTE_SECONDS;
const DAY_SECONDS = 24 * HOUR_SECONDS;

const two = (count: number, unit: string, rest: number, below: string): string =>
  rest === 0 ? `${count} ${unit}` : `${count} ${unit} ${rest} ${below}`;

/** Ms as `42 s`, `3 min 5 s`, `3 h 12 min` or `5 d 2 h`. */
export const span = (ms: number): string => {
  const seconds = Math.round(ms / 1000);
  if (seconds < MINUTE_SECONDS) return `${seconds} s`;
  if (seconds < HOUR_SECONDS)
    return two(Math.floor(seconds / MINUTE_SECONDS), 'min', seconds % MINUTE_SECONDS, 's');
  if (seconds < DAY_SECONDS)
    return two(
      Math.floor(seconds / HOUR_SECONDS),
      'h',
      Math.floor((seconds % HOUR_SECONDS) / MINUTE_SECONDS),
      'min',
    );
  return two(Math.floor(seconds / DAY_SECONDS), 'd', Math.floor((seconds % DAY_SECONDS) / HOUR_SECONDS), 'h');
};

/** `3 h 12 min ago`, or `in 20 s`. */
export const age = (ms: number, now: number): string =>
  ms > now ? `in ${span(ms - now)}` : `${span(now - ms)} ago`;

/** `2026-11-24 01:02:03 UTC, 3 h 12 min ago` */
export const moment = (ms: number, now: number): string =>
  `${new Date(ms)
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z$/, '')} UTC, ${age(ms, now)}`;
