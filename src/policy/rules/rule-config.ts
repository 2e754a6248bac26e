import { z } from 'zod';
import { ALWAYS, bool, choice, field, integer, refuse, setting, text, token } from '../../config/fields.ts';
import { isToken } from '../../envelope/check.ts';
import { callerEntry, nodeEntry } from './callers.ts';
import { input } from './input.ts';
import { requires } from './requires.ts';
import { window } from './window.ts';

/** An agent, or one action of it. */
export interface AgentEntry {
  readonly agent: string;
  /** Undefined: each of them. */
  readonly action: string | undefined;
}

const agentEntry = () =>
  field('an agent such as puppet, or one action of it such as puppet.run', (value) => {
    const match = typeof value === 'string' ? /^([^.]+)(?:\.([\w*-]+))?$/.exec(value) : null;
    const [, agent = '', action] = match ?? [];
    if (!isToken(agent)) return undefined;
    return { agent, action: action === '*' ? undefined : action };
  });

const list = <T extends z.ZodType>(entry: T) => z.array(entry).min(1).optional();

/** What says nothing about discovery, which has no action, no input and reaches whoever is there. */
const NOT_OF_DISCOVERY = ['agents', 'inputs', 'max_nodes'] as const;

export const rule = () =>
  z
    .strictObject({
      name: setting(
        'how logs, metrics and audit name it; where it is not given, by its file and line',
        text(
          'a name of up to 64 letters, digits, "_", "-" and "."',
          (name) => name.length <= 64 && /^[\w.-]+$/.test(name),
        ).optional(),
      ),
      discovery: setting(
        'whether it is about who may discover nodes, which all may who have a route unless a rule says otherwise; other rules are not',
        bool().default(false),
      ),
      callers: setting('whose requests, by the name that their signature proves', list(callerEntry())),
      as: setting('whose requests, by the name on the other side', list(callerEntry())),
      agents: setting('what they ask', list(agentEntry())),
      collectives: setting('in which collectives', list(token('a collective'))),
      ingress: setting('by which ingresses they came', list(token('the name of an ingress'))),
      egress: setting('by which egresses they go out', list(token('the name of an egress'))),
      nodes: setting(
        'which nodes they name; a request that names others too, or none, is not meant',
        list(nodeEntry()),
      ),
      inputs: setting(
        'what their inputs have to be, by the names of the inputs',
        z.record(z.string(), input()).optional(),
      ),
      requires: setting('what they have to bear themselves', requires().optional()),
      windows: setting('when; one of these has to hold', list(window())),
      max_nodes: setting(
        'how many nodes one request may reach, over all of its messages: what is more is refused; counted by all instances where there are claims, else by each',
        integer(1, 1_000_000).optional(),
      ),
      verdict: setting(
        'allow lets pass, deny refuses, defer lets pass and says that nodes decide',
        choice(['allow', 'deny', 'defer']),
      ),
      reason: setting(
        'for the person at the client who is refused, without a full stop',
        text('a sentence of up to 200 characters', (reason) => reason.length <= 200).optional(),
      ),
      shadow: setting(
        'whether it refuses nothing, and what it would refuse is logged, counted and audited',
        bool().default(false),
      ),
    })
    .superRefine((it, context) => {
      if (it.discovery)
        for (const key of NOT_OF_DISCOVERY)
          if (it[key] !== undefined) refuse(context, [key], 'says nothing about discovery: leave it out');
      if (it.verdict === 'deny' && it.max_nodes !== undefined)
        refuse(context, ['max_nodes'], 'says nothing where all is refused: leave it out');
      if (it.shadow && it.verdict !== 'deny' && it.max_nodes === undefined)
        refuse(context, ['shadow'], 'says nothing here: this rule refuses nothing');
      if (it.reason !== undefined && it.verdict !== 'deny' && it.max_nodes === undefined)
        refuse(context, ['reason'], 'is told to nobody: this rule refuses nothing');
    }, ALWAYS);

/** A rule as it is written. */
export type RuleConfig = z.output<ReturnType<typeof rule>>;
