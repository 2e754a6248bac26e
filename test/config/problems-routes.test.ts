import { describe, expect, it } from 'vitest';
import { type Case, minimalWith, problemsOf } from './sample.ts';

const CASES: readonly Case[] = [
  [
    'names the nearest ingress',
    'from: federation',
    'from: federatoin',
    [
      'bridge.yaml:14:11: routes[0].from: there is no ingress "federatoin"; did you mean "federation"?; allowed: federation',
    ],
  ],
  [
    'names the egresses that there are',
    '    to: legacy',
    '    to: nowhere',
    ['bridge.yaml:15:9: routes[0].to: there is no egress "nowhere"; allowed: legacy'],
  ],
  [
    'refuses a collective that is exported twice',
    '[mcollective]',
    '[mcollective, uk, mcollective]',
    [
      'bridge.yaml:16:36: routes[0].collectives[2]: "mcollective" is exported from federation already, by routes[0].collectives[0]',
    ],
  ],
  [
    'refuses a collective exported twice by two routes',
    'routes:\n',
    'routes:\n  - from: federation\n    to: legacy\n    collectives: [uk, mcollective]\n    identities: [{ exact: choria=a, to: cert=a }]\n',
    [
      'bridge.yaml:20:19: routes[1].collectives[0]: "mcollective" is exported from federation already, by routes[0].collectives[1]',
    ],
  ],
  [
    'refuses a collective with a wildcard',
    '[mcollective]',
    '["mcollective.>"]',
    [
      'bridge.yaml:16:19: routes[0].collectives[0]: "mcollective.>" is not allowed; allowed: a collective: letters, digits, "_" and "-"',
    ],
  ],
  [
    'refuses a rule that does not compile',
    'choria=(.+)\\.mcollective',
    'choria=(.+',
    [
      'bridge.yaml:18:16: routes[0].identities[0].regex: "choria=(.+" is not allowed: a group is not closed; write \\( for the character itself; allowed: a regular expression such as choria=(.+)\\.mcollective',
    ],
  ],
  [
    'refuses a group that the expression does not have',
    'cert=$1',
    'cert=$2',
    ['bridge.yaml:19:13: routes[0].identities[0].to: $2 stands for a group, and there is only 1'],
  ],
  [
    'refuses $0, which would be the whole name',
    'cert=$1',
    'cert=$0',
    ['bridge.yaml:19:13: routes[0].identities[0].to: $0 stands for a group, and there is only 1'],
  ],
  [
    'refuses a group beside an exact name',
    'regex: choria=(.+)\\.mcollective',
    'exact: choria=rip.mcollective',
    ['bridge.yaml:19:13: routes[0].identities[0].to: $1 stands for a group, and there is none'],
  ],
  [
    'refuses a mapping to what is no callerid',
    'cert=$1',
    '../$1',
    [
      'bridge.yaml:19:13: routes[0].identities[0].to: "../$1" is not allowed; allowed: a callerid such as cert=rip, or with the groups of regex: cert=$1',
    ],
  ],
  [
    'refuses a rule with both an exact name and an expression',
    '        to: cert',
    '        exact: choria=rip.mcollective\n        to: cert',
    ['bridge.yaml:18:9: routes[0].identities[0]: give either exact or regex'],
  ],
  [
    'refuses a rule with neither',
    '      - regex: choria=(.+)\\.mcollective\n        to: cert=$1',
    '      - to: cert=rip',
    ['bridge.yaml:18:9: routes[0].identities[0]: give either exact or regex'],
  ],
  [
    'demands a rule',
    '    identities:\n      - regex: choria=(.+)\\.mcollective\n        to: cert=$1',
    '    identities: []',
    ['bridge.yaml:17:17: routes[0].identities: has no entry; allowed: at least one entry'],
  ],
];

describe('the configuration, of routes,', () => {
  it.each(CASES)('%s', (_, passage, by, problems) => {
    expect(problemsOf(minimalWith(passage, by))).toEqual(problems);
  });
});
