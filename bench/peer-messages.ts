import type { ChildProcess } from 'node:child_process';
import { z } from 'zod';

const count = z.int().min(1);
const tls = z.object({ ca: z.string(), cert: z.string(), key: z.string() });

/** The bridges that verify who asks: without an audit, and with one. Each is a cluster of this name. */
export const VERIFIED = ['verified', 'audited'] as const;
/** The bridge with an audit; likewise. */
export const RECORDED = 'recorded';
/** The bridge, a process that copies bytes without looking at them, or nothing but the node's server. */
export const PATHS = ['bridge', 'relay', 'server'] as const;
export type Path = (typeof PATHS | typeof VERIFIED)[number] | typeof RECORDED;

/** What the benchmark tells a peer to do. Times are microseconds of the machine's monotonic clock. */
export const command = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('connect'),
    server: z.string(),
    tls,
    /** Ms between attempts to reconnect; 0: to lose the server is a failure. */
    reconnect: z.number(),
  }),
  /** Count what comes to the nodes until there are so many. */
  z.object({ kind: z.literal('count'), messages: count }),
  /** Send such messages to the nodes, as the bridge would, in groups of so many targets. */
  z.object({ kind: z.literal('publish'), groups: count, targets: count }),
  /** Send requests to the cluster. */
  z.object({ kind: z.literal('request'), requests: count, targets: count }),
  /** Be all nodes: answer what comes. */
  z.object({ kind: z.literal('answer') }),
  /** Be the bare relay between this peer's server and another. */
  z.object({ kind: z.literal('relay'), server: z.string(), tls }),
  /** Send a request every so many ms and measure how long each reply takes. */
  z.object({
    kind: z.literal('measure'),
    through: z.enum([...PATHS, RECORDED, ...VERIFIED]),
    requests: count,
    every: z.number(),
  }),
  /** Be the client of a soak: so many requests a second for so long, then wait at most so many ms for the replies. */
  z.object({
    kind: z.literal('soak'),
    perSecond: z.number(),
    seconds: z.number(),
    ttl: count,
    settle: count,
  }),
  /** Be all nodes of a soak. */
  z.object({ kind: z.literal('soak-answer'), ttl: count }),
  /** Tell what became of it. */
  z.object({ kind: z.literal('soak-sent') }),
  z.object({ kind: z.literal('soak-delivered'), requests: count }),
]);

/** What a peer answers. */
export const report = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('connected') }),
  z.object({ kind: z.literal('counting') }),
  z.object({ kind: z.literal('counted'), at: z.number() }),
  z.object({ kind: z.literal('sending'), at: z.number() }),
  z.object({ kind: z.literal('answering') }),
  z.object({ kind: z.literal('relaying') }),
  z.object({ kind: z.literal('measured'), micros: z.array(z.number()) }),
  z.object({ kind: z.literal('soaked'), seconds: z.number() }),
  z.object({
    kind: z.literal('soak-sent'),
    at: z.array(z.number()),
    home: z.array(z.number()),
    homeTwice: z.number(),
    unsent: z.number(),
    expired: z.number(),
  }),
  z.object({
    kind: z.literal('soak-delivered'),
    delivered: z.array(z.number()),
    deliveredTwice: z.number(),
  }),
  z.object({ kind: z.literal('failed'), message: z.string() }),
]);

export type Command = z.infer<typeof command>;
export type Report = z.infer<typeof report>;
type Answer<Kind extends Report['kind']> = Extract<Report, { readonly kind: Kind }>;

/** A client, or all nodes of a collective: a process of its own. */
export class Peer {
  readonly #child: ChildProcess;
  readonly #reports: Report[] = [];
  #wake: () => void = () => undefined;

  constructor(child: ChildProcess) {
    this.#child = child;
    child.on('message', (message) => this.#take(report.parse(message)));
    child.once('exit', (code, signal) =>
      this.#take({ kind: 'failed', message: `a peer ended: ${code ?? signal}` }),
    );
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  tell(what: Command): void {
    this.#child.send(what);
  }

  /** The next report of this kind, once it is there; others are kept. */
  async hear<Kind extends Report['kind']>(kind: Kind): Promise<Answer<Kind>> {
    const isWanted = (it: Report): it is Answer<Kind> => it.kind === kind;
    for (;;) {
      const failed = this.#reports.find((it) => it.kind === 'failed');
      if (failed !== undefined) throw new Error(failed.message);
      const found = this.#reports.find(isWanted);
      if (found !== undefined) {
        this.#reports.splice(this.#reports.indexOf(found), 1);
        return found;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  stop(): void {
    this.#child.removeAllListeners('exit');
    this.#child.kill('SIGKILL');
  }

  #take(it: Report): void {
    this.#reports.push(it);
    this.#wake();
  }
}
