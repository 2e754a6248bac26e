import { z } from 'zod';
import { parseTime } from '../envelope/time.ts';
import { placeOf } from './chain.ts';
import { linesOf } from './verify/lines.ts';

/** What is looked for; all that is given has to hold. */
export interface Wanted {
  /** A caller's name on either side. */
  readonly caller?: string | undefined;
  /** `agent`, or `agent.action`. */
  readonly agent?: string | undefined;
  /** Ms since the epoch. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  /** A flow or a request id. */
  readonly id?: string | undefined;
  /** Codes, one of which an input has. */
  readonly codes?: readonly string[] | undefined;
}

const count = z.number().catch(0);
const names = z.array(z.string()).catch([]);

const own = z.object({
  kind: z.string(),
  instance: z.string(),
  flow: z.string().optional(),
  mapped_caller: z.string().optional(),
  route: z.string().optional(),
  verdict: z.string().optional(),
  code: z.string().optional(),
  rule: z.string().optional(),
  reason: z.string().optional(),
  extent: z.string().optional(),
  targets: z.union([z.number(), z.string()]).optional(),
  nodes: names,
  failed_nodes: names,
  ok: count,
  failed: count,
  refused: count,
  unread: count,
});

const asked = z.object({
  request_id: z.string().optional(),
  caller: z.string().optional(),
  sender: z.string().optional(),
  agent: z.string().optional(),
  action: z.string().optional(),
  data: z.unknown().optional(),
});

/** A line in either format. */
const line = z.union([
  asked
    .extend({ timestamp: z.string(), mcbridge: own })
    .transform(({ timestamp, mcbridge, ...it }) => ({ time: timestamp, ...it, ...mcbridge })),
  z
    .object({ specversion: z.string(), time: z.string(), data: own.extend(asked.shape) })
    .transform(({ time, data }) => ({ time, ...data })),
]);

type Line = z.output<typeof line>;

/** A request, with what became of it in all files. */
export interface Found {
  readonly time: string;
  readonly flow: string | undefined;
  readonly request_id: string | undefined;
  readonly instance: string;
  readonly caller: string | undefined;
  readonly mapped_caller: string | undefined;
  readonly agent: string | undefined;
  readonly action: string | undefined;
  readonly data: unknown;
  readonly route: string | undefined;
  /** `allow`, `deny`, `defer` or `refused`; `unsent` where it was let pass and did not go out. */
  readonly verdict: string | undefined;
  readonly code: string | undefined;
  readonly rule: string | undefined;
  readonly reason: string | undefined;
  readonly targets: number | string | undefined;
  readonly ok: number;
  readonly failed: number;
  readonly refused: number;
  readonly unread: number;
  /** Named nodes of which no file has a reply; undefined where the records do not name all. */
  readonly missing: readonly string[] | undefined;
  readonly file: string;
  readonly line: number;
}

interface Request {
  readonly record: Line;
  readonly file: string;
  readonly number: number;
}

const timeOf = (text: string): number => parseTime(text) ?? Number.NaN;

const read = (bytes: Buffer): Line | undefined => {
  if (placeOf(bytes) === undefined) return undefined;
  try {
    return line.safeParse(JSON.parse(bytes.toString())).data;
  } catch {
    return undefined;
  }
};

const isWanted = (it: Line, { caller, agent, since, until, id, codes }: Wanted): boolean => {
  const time = timeOf(it.time);
  if ((since !== undefined && time < since) || (until !== undefined && time > until)) return false;
  if (caller !== undefined && it.caller !== caller && it.mapped_caller !== caller) return false;
  if (agent !== undefined && it.agent !== agent && `${it.agent}.${it.action}` !== agent) return false;
  if (id !== undefined && it.flow !== id && it.request_id !== id) return false;
  const data = codes === undefined ? '' : JSON.stringify(it.data ?? {});
  return codes === undefined || codes.some((code) => data.includes(`"${code}"`));
};

/** By its flow; of what a broker of another kind answered, by its request id. */
const keysOf = ({ flow, request_id: id }: Line): readonly string[] =>
  [flow, id === undefined || id === '' ? undefined : `id ${id}`].filter((key) => key !== undefined);

/** Replies, and what was not sent, by the keys of their request. */
class Outcomes {
  readonly #all = new Map<string, Line[]>();
  readonly #wanted: ReadonlySet<string>;

  constructor(wanted: ReadonlySet<string>) {
    this.#wanted = wanted;
  }

  add(it: Line): void {
    // A reply's own flow is surer than an id that a sender made up.
    const key = it.flow ?? keysOf(it)[0];
    if (key === undefined || !this.#wanted.has(key)) return;
    const known = this.#all.get(key);
    if (known === undefined) this.#all.set(key, [it]);
    else known.push(it);
  }

  of(it: Line): readonly Line[] {
    return keysOf(it).flatMap((key) => this.#all.get(key) ?? []);
  }
}

const sum = (lines: readonly Line[], of: (line: Line) => number): number =>
  lines.reduce((total, one) => total + of(one), 0);

/** Only where the request's record names all that were asked, and those of replies all that answered. */
const missingOf = (record: Line, replies: readonly Line[]): readonly string[] | undefined => {
  if (typeof record.targets !== 'number' || record.nodes.length < record.targets) return undefined;
  const heard = replies.flatMap(({ nodes, failed_nodes }) => [...nodes, ...failed_nodes]);
  const answers = sum(replies, ({ ok, failed, refused, unread }) => ok + failed + refused + unread);
  if (heard.length < answers) return undefined;
  const all = new Set(heard);
  return record.nodes.filter((node) => !all.has(node));
};

const foundOf = ({ record, file, number }: Request, outcomes: readonly Line[]): Found => {
  const replies = outcomes.filter(({ kind }) => kind === 'replies');
  const unsent = outcomes.find(({ kind, extent }) => kind === 'unsent' && extent === 'all');
  const passed = record.verdict === 'allow' || record.verdict === 'defer';
  const { code, reason } = unsent ?? record;
  return {
    time: record.time,
    flow: record.flow,
    request_id: record.request_id,
    instance: record.instance,
    caller: record.caller,
    mapped_caller: record.mapped_caller,
    agent: record.agent,
    action: record.action,
    data: record.data,
    route: record.route,
    verdict: unsent === undefined ? record.verdict : 'unsent',
    code,
    rule: record.rule,
    reason,
    targets: record.targets,
    ok: sum(replies, ({ ok }) => ok),
    failed: sum(replies, ({ failed }) => failed),
    refused: sum(replies, ({ refused }) => refused),
    unread: sum(replies, ({ unread }) => unread),
    missing: passed && unsent === undefined ? missingOf(record, replies) : undefined,
    file,
    line: number,
  };
};

/** Calls with each record of files. @throws as `open` does */
const eachOf = async (
  files: readonly string[],
  use: (record: Line, file: string, number: number) => void,
): Promise<void> => {
  for (const file of files)
    for await (const lines of linesOf(file))
      for (const { bytes, number } of lines) {
        const record = read(bytes);
        if (record !== undefined) use(record, file, number);
      }
};

/**
 * Requests in all files of all instances, with what became of each: replies may have come by another instance than the one
 * that took it. Read twice, for only what is wanted is remembered.
 * @throws as `open` does
 */
export const search = async (files: readonly string[], wanted: Wanted): Promise<readonly Found[]> => {
  const requests: Request[] = [];
  await eachOf(files, (record, file, number) => {
    if (record.kind === 'request' && isWanted(record, wanted)) requests.push({ record, file, number });
  });
  const outcomes = new Outcomes(new Set(requests.flatMap(({ record }) => keysOf(record))));
  await eachOf(files, (record) => {
    if (record.kind !== 'request') outcomes.add(record);
  });
  return requests
    .map((request) => foundOf(request, outcomes.of(request.record)))
    .toSorted((a, b) => timeOf(a.time) - timeOf(b.time));
};
