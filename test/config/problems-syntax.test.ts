import { describe, expect, it } from 'vitest';
import { type Case, minimalWith, problemsOf } from './sample.ts';

const CASES: readonly Case[] = [
  [
    'points at a list that does not end',
    '[mcollective]',
    '[mcollective',
    [
      'bridge.yaml:17:5: not valid YAML: Flow sequence in block collection must be sufficiently indented and end with a ]',
    ],
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
