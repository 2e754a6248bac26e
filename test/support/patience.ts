import { vi } from 'vitest';

/** How long a test waits for an event where it says nothing else, in ms: what takes milliseconds takes seconds on a busy machine. */
const PATIENCE = 60_000;
/** Of vitest itself; several files share a process, and each of them comes by here. */
const PATIENT = Symbol.for('waits with patience');

if (!Object.hasOwn(vi.waitFor, PATIENT)) {
  const { waitFor } = vi;
  const patient: typeof waitFor = (check, options = {}) =>
    waitFor(check, typeof options === 'number' ? options : { timeout: PATIENCE, ...options });
  vi.waitFor = Object.assign(patient, { [PATIENT]: true });
}
