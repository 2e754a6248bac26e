import { formatJson } from '../../adapters/choria/wire/index.ts';
import type { Answer, TimedReply } from '../../client/index.ts';
import type { Value } from '../../envelope/value.ts';

/** A reply of a node to an RPC. */
export interface NodeResult {
  readonly node: string;
  readonly status: number;
  readonly message: string;
  readonly data: Value;
  readonly milliseconds: number;
}

/** Nodes that say the same. */
export interface Group {
  readonly nodes: readonly string[];
  readonly data: Value;
}

export interface Outcome {
  /** Undefined where discovery found no node. */
  readonly requestId: string | undefined;
  readonly results: readonly NodeResult[];
  /** Results with status 0 and equal data, the largest group first. */
  readonly ok: readonly Group[];
  readonly failed: readonly NodeResult[];
  /** Nodes that were asked by name and said nothing. */
  readonly missing: readonly string[];
  readonly rejected: Answer['rejected'];
  /** How many nodes were asked; undefined for a broadcast. */
  readonly asked: number | undefined;
  readonly milliseconds: number;
}

const byName = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

const resultOf = ({ node, payload, milliseconds }: TimedReply): readonly NodeResult[] =>
  payload.kind === 'rpc'
    ? [{ node, status: payload.statusCode, message: payload.statusMessage, data: payload.data, milliseconds }]
    : [];

const grouped = (results: readonly NodeResult[]): readonly Group[] => {
  const groups = new Map<string, { readonly nodes: string[]; readonly data: Value }>();
  for (const { node, data } of results) {
    const text = formatJson(data);
    const group = groups.get(text) ?? { nodes: [], data };
    group.nodes.push(node);
    groups.set(text, group);
  }
  return [...groups.values()].sort((a, b) => b.nodes.length - a.nodes.length);
};

/** What became of a request, in the order of the nodes' names. */
export const outcomeOf = (answer: Answer, asked: number | undefined): Outcome => {
  const results = answer.replies.flatMap(resultOf).sort((a, b) => byName(a.node, b.node));
  return {
    requestId: answer.requestId,
    results,
    ok: grouped(results.filter(({ status }) => status === 0)),
    failed: results.filter(({ status }) => status !== 0),
    missing: answer.missing.toSorted(byName),
    rejected: answer.rejected,
    asked,
    milliseconds: Math.round(answer.milliseconds),
  };
};

/** Discovery found no node, so nothing was asked. */
export const nobodyFound = (milliseconds: number): Outcome => ({
  requestId: undefined,
  results: [],
  ok: [],
  failed: [],
  missing: [],
  rejected: [],
  asked: 0,
  milliseconds: Math.round(milliseconds),
});

/** Whether all nodes that were asked have done it; for a broadcast, whether one has and none has failed. */
export const isSuccess = ({ ok, failed, missing, rejected }: Outcome): boolean =>
  ok.length > 0 && failed.length === 0 && missing.length === 0 && rejected.length === 0;
