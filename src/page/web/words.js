/** A rate or a number of milliseconds, as short as it can be read. */
export const short = (number) => {
  if (number >= 100) return String(Math.round(number));
  return number === 0 ? '0' : number.toFixed(number >= 10 ? 1 : 2).replace(/\.?0+$/, '');
};

export const ms = (number) => {
  if (number === undefined || number === null) return '–';
  return number < 10_000 ? `${short(number)} ms` : `${short(number / 1000)} s`;
};

export const clockTime = (time) => new Date(time).toLocaleTimeString([], { hourCycle: 'h23' });

const UNITS = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
];

/** `3 hours`: the largest unit alone. */
export const span = (seconds) => {
  const [unit, size] = UNITS.find((it) => Math.abs(seconds) >= it[1]) ?? UNITS.at(-1);
  const count = Math.floor(Math.abs(seconds) / size);
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
};

export const whoseCall = ({ caller, mapped }) => {
  if (caller === undefined) return 'nobody verified';
  return mapped === undefined || mapped === caller ? caller : `${caller} → ${mapped}`;
};

export const whatCall = ({ agent, action }) => [agent ?? 'unread', action].filter(Boolean).join('.');

const VERDICTS = {
  allow: 'allowed',
  defer: 'left to nodes',
  deny: 'denied',
  refused: 'refused',
  unsent: 'not sent',
};

export const verdictWords = (verdict) => VERDICTS[verdict] ?? verdict;

/** Whether a request did not get through. */
export const isStopped = ({ verdict }) => !['allow', 'defer'].includes(verdict);
