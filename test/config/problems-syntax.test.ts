import { describe, expect, it } from 'vitest';
import { type Case, minimalWith, problemsOf } from './sample.ts';

const CASES: readonly Case[] = [
  [
    'points at a list that does not end',
    '[mcollective]',
    '[mcollective',
    [
      'bridge.yaml:17:5: not valid YAML: keys of one section start in the same column, and what belongs to one stands further right; each [ and { has its end',
    ],
  ],
  [
    'tells of a key that stands further right than its neighbours',
    '    server_public_key',
    '      server_public_key',
    [
      'bridge.yaml:12:1: not valid YAML: keys of one section start in the same column, and what belongs to one stands further right; each [ and { has its end',
    ],
  ],
  [
    'tells of a colon without a space behind it',
    'type: mcollective-stomp',
    'type:mcollective-stomp',
    ['bridge.yaml:9:5: not valid YAML: a line that is not "key: value"; a space stands behind the colon'],
  ],
  [
    'tells of a colon within a value',
    'server.pem',
    'server: pem',
    [
      'bridge.yaml:12:24: not valid YAML: a key within the value of another; see to the indentation, and put text that holds ": " in quotes',
    ],
  ],
  [
    'tells of the braces of other templates',
    'server.pem',
    '{{ key }}',
    ['bridge.yaml:12:25: not valid YAML: a key must be text; put text that starts with { in quotes'],
  ],
  [
    'refuses a tab',
    '    signing:',
    '	signing:',
    ['bridge.yaml:11:1: not valid YAML: a tab stands where lines are indented; YAML takes spaces only'],
  ],
  [
    'refuses a tag without quoting it',
    'server.pem',
    '!hunter2',
    ['bridge.yaml:12:24: not valid YAML: tags (!) are not used here; put text that starts with ! in quotes'],
  ],
  [
    'refuses an alias to nothing without quoting it',
    'server.pem',
    '*hunter2',
    [
      'bridge.yaml:12:24: egresses.legacy.server_public_key: an alias (*) to nothing, or to what it is part of; put text that starts with * in quotes',
    ],
  ],
  [
    'refuses an anchor inside itself',
    '{ keys_dir: keys }',
    '&a { keys_dir: *a }',
    [
      'bridge.yaml:11:29: egresses.legacy.signing.keys_dir: an alias (*) to nothing, or to what it is part of; put text that starts with * in quotes',
    ],
  ],
  [
    'refuses a second document',
    'routes:',
    '---\nroutes:',
    ['bridge.yaml:13:1: not valid YAML: a second document starts here; the configuration is one document'],
  ],
  [
    'refuses a bad escape',
    'server.pem',
    '"C:\\keys"',
    [
      'bridge.yaml:12:27: not valid YAML: not a valid escape in double quotes; write \\\\ for a backslash, or use single quotes',
    ],
  ],
  [
    'refuses text after a quoted value without showing it',
    'server.pem',
    '"a" hunter2',
    ['bridge.yaml:12:28: not valid YAML: text that does not belong here; see to quotes and indentation'],
  ],
];

describe('the configuration, of YAML,', () => {
  it.each(CASES)('%s', (_, passage, by, problems) => {
    expect(problemsOf(minimalWith(passage, by))).toEqual(problems);
  });
});
