import { z } from 'zod';

/** A piece of work longer than this, and a page feels as if it hung. https://w3c.github.io/longtasks/ */
export const LONG_MS = 50;

const TRACE = z.object({
  traceEvents: z.array(
    z.object({
      name: z.string(),
      pid: z.number(),
      tid: z.number(),
      /** µs. */
      ts: z.number(),
      dur: z.number().optional(),
      /** µs of a processor. */
      tdur: z.number().optional(),
      args: z
        .object({
          name: z.string().optional(),
          data: z.object({ jsHeapSizeUsed: z.number().optional() }).optional(),
        })
        .optional(),
    }),
  ),
});

/** Of what a trace must have events. */
export const CATEGORIES = ['toplevel', 'devtools.timeline', 'disabled-by-default-devtools.timeline'];

/** What a page's main thread has done, as Chromium's trace has it. */
export interface Traced {
  /** Ms of the longest piece of work; a frame is no longer than the work that holds it up. */
  readonly longest: number;
  /** Ms of a processor that the longest of them took: what else the machine does is not in it. */
  readonly longestCpu: number;
  /** How many pieces were longer than LONG_MS. */
  readonly long: number;
  /** Times that the page was drawn anew. */
  readonly frames: number;
  /** Ms that the main thread has worked in all. */
  readonly busy: number;
  /** Bytes: the most that its heap has had in use, garbage and all. */
  readonly heap: number;
}

/** @param json of the browser; other pages of it must not do anything */
export const readTrace = (json: string): Traced => {
  const { traceEvents } = TRACE.parse(JSON.parse(json));
  const mains = new Set(
    traceEvents
      .filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain')
      .map(({ pid, tid }) => `${pid} ${tid}`),
  );
  const own = traceEvents.filter(({ pid, tid }) => mains.has(`${pid} ${tid}`));
  const run = own.filter(({ name }) => name === 'RunTask');
  const tasks = run.map(({ dur = 0 }) => dur / 1000);
  if (tasks.length === 0) throw new Error('the trace has no work of a page');
  const most = (values: readonly number[]): number => values.reduce((so, one) => Math.max(so, one), 0);
  return {
    longest: most(tasks),
    longestCpu: most(run.map(({ tdur = 0 }) => tdur / 1000)),
    long: tasks.filter((one) => one > LONG_MS).length,
    frames: own.filter(({ name }) => name === 'Paint').length,
    busy: tasks.reduce((sum, one) => sum + one, 0),
    heap: most(own.map(({ args }) => args?.data?.jsHeapSizeUsed ?? 0)),
  };
};
