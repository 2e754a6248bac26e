import { quoted } from '../../envelope/text.ts';
import type { Outcome, Question } from '../evaluator.ts';
import { type CallerEntry, nameSetOf } from './callers.ts';
import { type Groups, withoutGroups } from './groups.ts';
import { inputTest } from './input.ts';
import { lackOf } from './requires.ts';
import type { RuleConfig } from './rule-config.ts';
import { windowOf } from './window.ts';

/** A rule as it is written, and what it is called. */
export interface WrittenRule {
  readonly config: RuleConfig;
  /** Its name, or its place as `<file>:<line>`. */
  readonly id: string;
  /** Its place as `<file>:<line>`. */
  readonly place: string;
}

/** One word of a rule. */
interface Condition {
  holds(question: Question): boolean;
  /** Why it does not hold, in words. */
  why(question: Question): string;
}

/** A rule that is ready to be asked. */
export interface Rule {
  readonly id: string;
  /** Of {@link Explained}: the place, and the name where it has one. */
  readonly label: string;
  readonly isDiscovery: boolean;
  /** Those that caller, agent and action alone decide. */
  readonly lasting: readonly Condition[];
  readonly others: readonly Condition[];
  readonly outcome: Outcome;
  /** Whether it only tells what it would deny. */
  readonly isShadow: boolean;
}

const callerWord = (
  word: 'callers' | 'as',
  entries: readonly CallerEntry[] | undefined,
  groups: Groups,
  nameOf: (question: Question) => string,
): readonly Condition[] => {
  if (entries === undefined) return [];
  const names = nameSetOf(withoutGroups(entries, groups));
  return [
    {
      holds: (question) => names.has(nameOf(question)),
      why: (question) => `${word}: ${nameOf(question)} is none of them`,
    },
  ];
};

const agentWord = ({ agents }: RuleConfig): readonly Condition[] => {
  if (agents === undefined) return [];
  const whole = new Set(agents.flatMap(({ agent, action }) => (action === undefined ? [agent] : [])));
  // Neither has a dot in an agent's name.
  const single = new Set(
    agents.flatMap(({ agent, action }) => (action === undefined ? [] : [`${agent}.${action}`])),
  );
  return [
    {
      holds: ({ agent, action = '' }) => whole.has(agent) || single.has(`${agent}.${action}`),
      why: ({ agent, action = '' }) => `agents: ${quoted(`${agent}.${action}`)} is none of them`,
    },
  ];
};

const oneOf = (
  word: string,
  wanted: readonly string[] | undefined,
  of: (question: Question) => string,
): readonly Condition[] => {
  if (wanted === undefined) return [];
  const names = new Set(wanted);
  return [
    {
      holds: (question) => names.has(of(question)),
      why: (question) => `${word}: ${of(question)} is none of them`,
    },
  ];
};

const nodesWord = ({ nodes: wanted }: RuleConfig): readonly Condition[] => {
  if (wanted === undefined) return [];
  const names = nameSetOf(wanted);
  return [
    {
      holds: ({ nodes = [] }) => nodes.length > 0 && nodes.every((node) => names.has(node)),
      why: ({ nodes = [] }) => {
        const other = nodes.find((node) => !names.has(node));
        return other === undefined ? 'nodes: it names none' : `nodes: ${other} is none of them`;
      },
    },
  ];
};

const inputWords = ({ inputs = {} }: RuleConfig): readonly Condition[] =>
  Object.entries(inputs).map(([name, config]) => {
    const fits = inputTest(config);
    return {
      holds: ({ data }) => fits(data.get(name)),
      why: ({ data }) => `inputs: ${quoted(name)} ${data.has(name) ? 'does not fit' : 'is not there'}`,
    };
  });

const requiresWord = ({ requires }: RuleConfig): readonly Condition[] => {
  if (requires === undefined) return [];
  const lack = lackOf(requires);
  return [
    {
      holds: (question) => lack(question) === undefined,
      why: (question) => `requires: it lacks ${lack(question)}`,
    },
  ];
};

const windowsWord = ({ windows: written }: RuleConfig): readonly Condition[] => {
  if (written === undefined) return [];
  const windows = written.map(windowOf);
  return [
    {
      holds: ({ time }) => windows.some((window) => window.holds(time)),
      why: ({ time }) =>
        `windows: it is ${[...new Set(windows.map((window) => window.shows(time)))].join(', ')}`,
    },
  ];
};

/** @param groups those that it may name, without faults */
export const ruleOf = ({ config, id, place }: WrittenRule, groups: Groups): Rule => {
  const { verdict, reason, shadow, max_nodes: most, name, discovery } = config;
  const told = reason === undefined ? {} : { reason };
  return {
    id,
    label: name === undefined ? place : `${place} (${name})`,
    isDiscovery: discovery,
    lasting: [
      ...callerWord('callers', config.callers, groups, ({ caller }) => caller),
      ...callerWord('as', config.as, groups, ({ as }) => as),
      ...agentWord(config),
    ],
    others: [
      ...oneOf('collectives', config.collectives, ({ collective }) => collective),
      ...oneOf('ingress', config.ingress, ({ ingress }) => ingress),
      ...oneOf('egress', config.egress, ({ egress }) => egress),
      ...nodesWord(config),
      ...inputWords(config),
      ...requiresWord(config),
      ...windowsWord(config),
    ],
    outcome: {
      verdict,
      rule: id,
      ...told,
      ...(most !== undefined && { maxNodes: { most, isShadow: shadow } }),
    },
    isShadow: shadow && verdict === 'deny',
  };
};
