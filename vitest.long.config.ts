import { defineConfig } from 'vitest/config';
import { each, resolve } from './vitest.config.ts';

/** Tried ten times as often here as in `npm test`; see test/support/seed.ts. */
const PROPERTIES = [
  'test/inspect/fuzz.test.ts',
  'test/policy/rules/generated.test.ts',
  'test/codec/json.test.ts',
  'test/adapters/kit/filter-language/translation.test.ts',
  'test/codec/ruby/fuzz.test.ts',
  'test/codec/ruby/marshal-differential.test.ts',
  'test/codec/ruby/yaml-differential.test.ts',
];

/** Matrices, kills and large property runs: `npm run test:long`. Files run two at a time, each in a process of its own. */
export default defineConfig({
  resolve,
  test: {
    globalSetup: ['test/support/build.ts'],
    include: ['test/**/*.long.ts', ...PROPERTIES],
    env: { PROPERTY_RUNS: 'all' },
    ...each,
    testTimeout: 600_000,
    maxWorkers: 2,
  },
});
