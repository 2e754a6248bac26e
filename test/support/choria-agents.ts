import { type Action, ActionFailed, type Agent, type Input, type NodeState } from './choria-agent.ts';
import type { Dialect, Json } from './choria-messages.ts';
import { rpcutil } from './choria-rpcutil.ts';

/** One of each kind that JSON has, for {@link echo}. */
export const JSON_VALUES: Json = {
  int: 42,
  neg: -7,
  wide: 2 ** 53 - 1,
  float: 3.25,
  small: 1e-7,
  nil: null,
  true: true,
  false: false,
  string: 'héllo ✓ <&>',
  astral: '𝄞',
  empty: '',
  multiline: 'a\nb\n',
  numstr: '007',
  yamlish: 'yes',
  array: [1, [2, [3]], {}, []],
  hash: { a: 1, b: { c: [null] } },
};

/** The fleet's like of the `echo` agent of the legacy nodes. */
const echo: Agent = {
  types: {
    inputs: { value: { type: 'string', optional: true, validation: /./, maxLength: 1000 } },
    outputs: ['echoed', 'values'],
    run: ({ value = null }) => ({ echoed: value, values: JSON_VALUES }),
  },
  echo: {
    outputs: ['value', 'seen'],
    run: (data) => {
      const { process_results: _, ...seen } = data;
      return { value: data['value'] ?? null, seen };
    },
  },
  fail: {
    inputs: { code: { type: 'integer' } },
    outputs: ['done'],
    run: ({ code }) => {
      throw new ActionFailed(Number(code), `failed with ${code}`, { done: 'before it failed' });
    },
  },
};

/** What can be asked of a node that changes something there. */
const puppet: Agent = {
  runonce: { outputs: ['summary'], run: () => ({ summary: 'Started a Puppet run' }) },
};

const AGENTS: Readonly<Record<string, Agent>> = { rpcutil, echo, puppet };

export interface Outcome {
  readonly statuscode: number;
  readonly statusmsg: string;
  readonly data: Json;
  /** Whether the action ran, to whatever end. */
  readonly ran: boolean;
}

/** @returns what is wrong with it */
const problemOf = (name: string, input: Input, value: unknown): string | undefined => {
  if (input.type === 'integer') return Number.isSafeInteger(value) ? undefined : 'value should be a integer';
  if (typeof value !== 'string') return 'value should be a string';
  const limit = input.maxLength ?? 0;
  if (limit > 0 && value.length > limit) return `Input string is longer than ${limit} character(s)`;
  if (input.validation?.test(value) === false) return `value should match ${input.validation.source}`;
  return name === '' ? 'an input without a name' : undefined;
};

/**
 * What Ruby's `validate_rpc_request` and Go's `ValidateRequestData` find. Both know the DDL of the `echo` agent; of
 * the agents compiled into it go-choria checks nothing.
 */
const complaintOf = (
  dialect: Dialect,
  agent: string,
  name: string,
  action: Action,
  data: Json,
): string | undefined => {
  if (dialect === 'go' && agent === 'rpcutil') return undefined;
  for (const [key, input] of Object.entries(action.inputs ?? {})) {
    if (!(key in data)) {
      if (input.optional === true) continue;
      return dialect === 'ruby' ? `Action ${name} needs a ${key} argument` : `input '${key}' is required`;
    }
    const problem = problemOf(key, input, data[key]);
    if (problem === undefined) continue;
    return dialect === 'ruby'
      ? `Cannot validate input ${key}: ${problem}`
      : `validation failed for input '${key}': ${problem}`;
  }
  return undefined;
};

/**
 * Runs an action as the dialect's RPC layer does. MCollective's takes an action that it does not know, and an input
 * that is missing, for invalid data (a `DDLValidationError`, 4); go-choria answers 2 to the one, and its external
 * agents 1 to the other.
 */
export const runAction = (agent: string, name: string, data: Json, node: NodeState, now: number): Outcome => {
  const { dialect } = node;
  const actions = AGENTS[agent] ?? {};
  const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
  const failed = (statuscode: number, statusmsg: string, rest: Partial<Outcome> = {}): Outcome => ({
    statuscode,
    statusmsg,
    data: {},
    ran: false,
    ...rest,
  });
  if (action === undefined)
    return dialect === 'ruby'
      ? failed(4, `Attempted to call action ${name} for ${agent} but it's not declared in the DDL`)
      : failed(2, `Unknown action ${name} for agent ${agent}`);
  const unset: Json =
    dialect === 'ruby' ? Object.fromEntries((action.outputs ?? []).map((key) => [key, null])) : {};
  const complaint = complaintOf(dialect, agent, name, action, data);
  if (complaint !== undefined)
    return dialect === 'ruby'
      ? failed(4, complaint, { data: unset })
      : failed(1, `Validation failed: ${complaint}`);
  try {
    const outputs = action.run(data, node, now);
    return { statuscode: 0, statusmsg: 'OK', data: { ...unset, ...outputs }, ran: true };
  } catch (error) {
    if (!(error instanceof ActionFailed)) throw error;
    return failed(error.code, error.message, { data: { ...unset, ...error.data }, ran: true });
  }
};
