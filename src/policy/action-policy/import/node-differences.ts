import { DIALECTS, type DialectName, type Fields } from '../dialects.ts';

/** What one implementation makes of a line by itself, for the example. */
export interface Says {
  readonly says: 'matches' | 'does not match' | 'error' | 'depends on the node';
  readonly why: string;
}

/** Facts or classes of a node by which Ruby and Go differ, where a field has this in it. */
interface Trait {
  readonly of: 'facts' | 'classes';
  /** Of a word of the facts, or of all classes. */
  readonly pattern: RegExp;
  readonly example: (match: RegExpExecArray) => string;
  readonly ruby: readonly [says: Says['says'], why: string];
  readonly go: readonly [says: Says['says'], why: string];
}

const TRAITS: readonly Trait[] = [
  {
    of: 'facts',
    pattern: /^([^\s<>=!~]+)(<=|>=|==|!=|=~|=>|=<)(\S+)/,
    example: ([, fact, operator, value]) =>
      operator === '!='
        ? `a node whose fact ${fact} is not ${value}`
        : `a node whose fact ${fact} is ${value}`,
    ruby: ['does not match', 'the operator is taken for a part of the name of the fact'],
    go: ['matches', 'the operator is known'],
  },
  {
    of: 'facts',
    pattern: /['\\]/,
    example: () => 'a node that has the very fact',
    ruby: ['error', 'quotation marks and backslashes are code where facts are compared'],
    go: ['matches', 'they are text'],
  },
  {
    of: 'facts',
    pattern: /^([^\s<>=]+)=\/(\S+)\/$/,
    example: ([, fact, pattern]) => `a node whose fact ${fact} has ${pattern} in it`,
    ruby: ['does not match', 'the slashes are a part of the value'],
    go: ['matches', 'it is a pattern'],
  },
  {
    of: 'facts',
    pattern: /^([^\s<>=]+)<(\d+)/,
    example: ([, fact]) => `a node whose fact ${fact} is not there`,
    ruby: ['matches', 'a fact that is not there is an empty text, and texts are compared by letters'],
    go: ['does not match', 'a fact that is not there matches nothing'],
  },
  {
    of: 'facts',
    pattern: /^([^\s<>=]+)>(\d+)/,
    example: ([, fact, value]) => `a node whose fact ${fact} is 1${value}0`,
    ruby: ['does not match', 'numbers are compared by letters'],
    go: ['matches', 'numbers are compared as numbers'],
  },
  {
    of: 'facts',
    pattern: /^([\w-]+\.[\w.-]+)[<>=]/,
    example: ([, fact]) => `a node that has ${fact} as a fact within another`,
    ruby: ['does not match', 'it is the name of one fact'],
    go: ['matches', 'dots lead to facts within others'],
  },
  {
    of: 'classes',
    pattern: /(?:^|\s)\/(?=[^A-Za-z\s]*[A-Za-z])(\S+)/,
    example: ([, pattern = '']) =>
      `a node with a class that ${pattern.endsWith('/') ? pattern.slice(0, -1) : pattern} matches in letters of the other case`,
    ruby: ['does not match', 'patterns for classes look at the case'],
    go: ['matches', 'patterns for classes do not look at the case'],
  },
  {
    of: 'classes',
    pattern: /(?:^|\s)(?=[a-z0-9_]*[A-Z])([\w:]+)/,
    example: ([, name]) => `a node with the class ${name}`,
    ruby: ['matches', 'the class is compared as it is'],
    go: ['does not match', 'the class is made small letters first'],
  },
  {
    of: 'facts',
    pattern: /^([^\s<>=]+)=(\S*[A-Za-z]\S*)/,
    example: ([, fact, value = '']) =>
      `a node whose fact ${fact} is ${value === value.toUpperCase() ? value.toLowerCase() : value.toUpperCase()}`,
    ruby: ['does not match', 'values are compared as they are'],
    go: ['matches', 'values are compared without their case'],
  },
];

const matchOf = ({ of, pattern }: Trait, fields: Fields): RegExpExecArray | undefined => {
  const texts = of === 'facts' ? fields.facts.split(/\s/) : [fields.classes ?? ''];
  for (const text of texts) {
    const match = pattern.exec(text);
    if (match !== null) return match;
  }
  return undefined;
};

/** By which node the implementations differ at a line whose callers and actions they take alike. */
export const nodeDifference = (
  fields: Fields,
  names: readonly DialectName[],
): { readonly example: string; readonly says: readonly Says[] } | undefined => {
  for (const trait of TRAITS) {
    const match = matchOf(trait, fields);
    if (match === undefined) continue;
    return {
      example: trait.example(match),
      says: names.map((name) => {
        const [says, why] = DIALECTS[name].hasCompounds ? trait.ruby : trait.go;
        return { says, why };
      }),
    };
  }
  return undefined;
};
