import { defineConfig } from 'vitest/config';
import { each } from './vitest.config.ts';

/** Tried ten times as often here as in `npm test`; see test/support/seed.ts. */
const PROPERTIES = [
  'test/decode/fuzz.test.ts',
  'test/wire/choria/json.test.ts',
  'test/wire/compound/translation.test.ts',
  'test/wire/ruby/fuzz.test.ts',
  'test/wire/ruby/marshal-differential.test.ts',
  'test/wire/ruby/yaml-differential.test.ts',
];

/** Matrices, kills and large property runs: `npm run test:long`. Files run two at a time, each in a process of its own. */
export default defineConfig({
  test: {
    globalSetup: ['test/support/build.ts'],
    include: ['test/**/*.long.ts', ...PROPERTIES],
    env: { PROPERTY_RUNS: 'all' },
    ...each,
    testTimeout: 600_000,
    maxWorkers: 2,
  },
});
