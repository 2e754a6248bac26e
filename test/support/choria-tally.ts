import { z } from 'zod';
import type { ChoriaClient } from './choria-client.ts';

/** Counts replies, so that a test sees those that are missing and those that are there twice. */
export interface Tally {
  /** Resolves once this many nodes have answered the request. */
  expect(requestId: string, nodes: number): Promise<void>;
  /** Requests whose replies were expected, in order. */
  expected(): readonly string[];
  /** How often each node has answered it. */
  replies(requestId: string): Readonly<Record<string, number>>;
  total(): number;
  /** How many replies each broker carried home, as their trails say. */
  carried(): ReadonlyMap<string, number>;
  forget(): void;
}

const transport = z.object({
  data: z.string(),
  headers: z.object({ mc_sender: z.string(), 'seen-by': z.array(z.array(z.string())).optional() }),
});
const secure = z.object({ protocol: z.literal('choria:secure:reply:1'), message: z.string() });
const reply = z.object({ envelope: z.object({ requestid: z.string(), senderid: z.string() }) });

/** @param subject a wildcard for all reply subjects of the client */
export const readTally = async (client: ChoriaClient, subject: string): Promise<Tally> => {
  const replies = new Map<string, Record<string, number>>();
  const waiting = new Map<string, { readonly nodes: number; readonly done: () => void }>();
  const carried = new Map<string, number>();
  let expected: string[] = [];
  let total = 0;

  await client.subscribe(subject, (payload) => {
    const { data, headers } = transport.parse(JSON.parse(payload));
    const { message } = secure.parse(JSON.parse(Buffer.from(data, 'base64').toString()));
    const { requestid, senderid } = reply.parse(JSON.parse(message)).envelope;
    if (headers.mc_sender !== senderid) throw new Error(`${headers.mc_sender} is not ${senderid}`);
    total += 1;
    const by = headers['seen-by']?.at(-1)?.[1] ?? '';
    carried.set(by, (carried.get(by) ?? 0) + 1);
    const counts = replies.get(requestid) ?? {};
    replies.set(requestid, counts);
    counts[senderid] = (counts[senderid] ?? 0) + 1;
    const wait = waiting.get(requestid);
    if (wait === undefined || Object.keys(counts).length < wait.nodes) return;
    waiting.delete(requestid);
    wait.done();
  });
  return {
    expect: (requestId, nodes) => {
      expected.push(requestId);
      return new Promise((done) => void waiting.set(requestId, { nodes, done }));
    },
    expected: () => expected,
    replies: (requestId) => replies.get(requestId) ?? {},
    total: () => total,
    carried: () => carried,
    forget: () => {
      replies.clear();
      waiting.clear();
      carried.clear();
      expected = [];
      total = 0;
    },
  };
};
