/**
 * What Node makes of signals by itself is not for a bridge: USR1 opens its inspector on loopback, by which any local user
 * reads keys and passwords, and HUP and USR2 end the process undrained. Imported before anything else, so that this holds
 * from the first moment on.
 */
import inspector from 'node:inspector';

const nothing = (): void => undefined;

// A listener takes the place of Node's own handler.
process.on('SIGUSR1', nothing);
if (process.argv[2] === 'run')
  for (const signal of ['SIGHUP', 'SIGUSR2', 'SIGWINCH'] as const) process.on(signal, nothing);
// One that came while Node started. Who wants an inspector starts Node with it.
const isWanted = [...process.execArgv, process.env['NODE_OPTIONS'] ?? ''].some((option) =>
  option.includes('--inspect'),
);
if (inspector.url() !== undefined && !isWanted) inspector.close();

/** Process managers, and npm before them, deliver one order twice: within this time it is the same. In ms. */
export const REPEATED_SIGNAL_MS = 1_000;

const ENDS = ['SIGINT', 'SIGTERM'] as const;
type End = (typeof ENDS)[number];

/**
 * Orders to end: SIGINT and SIGTERM.
 * @param first called once
 * @param again called for each that comes later than a second after the first
 * @param now ms, monotonic
 * @returns stops listening
 */
export const onEnd = (
  first: (signal: End) => void,
  again: (signal: End) => void,
  now: () => number = () => performance.now(),
): (() => void) => {
  let ordered: number | undefined;
  const onSignal = (signal: End): void => {
    if (ordered === undefined) {
      ordered = now();
      first(signal);
    } else if (now() - ordered >= REPEATED_SIGNAL_MS) again(signal);
  };
  for (const signal of ENDS) process.on(signal, onSignal);
  return () => {
    for (const signal of ENDS) process.off(signal, onSignal);
  };
};

/** Orders to a bridge that goes on, as daemons of MCollective know them. */
const GOING_ON = ['SIGHUP', 'SIGWINCH', 'SIGUSR1', 'SIGUSR2'] as const;
export type GoOn = (typeof GOING_ON)[number];

/** @param ordered told of each. @returns stops listening */
export const onGoOn = (ordered: (signal: GoOn) => void): (() => void) => {
  for (const signal of GOING_ON) process.on(signal, ordered);
  return () => {
    for (const signal of GOING_ON) process.off(signal, ordered);
  };
};
