import { defineConfig } from 'vitest/config';

/** Files that replace modules for all who import them, so each needs modules of its own. */
const REPLACES_MODULES = ['test/replay/seals.test.ts'];

const each = {
  testTimeout: 180_000,
  hookTimeout: 180_000,
  pool: 'forks',
} as const;

export default defineConfig({
  test: {
    globalSetup: ['test/support/build.ts'],
    // Real brokers and daemons share two cores: files run two at a time, tests in a file one by one.
    maxWorkers: 2,
    projects: [
      {
        test: {
          ...each,
          name: 'together',
          include: ['test/**/*.test.ts'],
          exclude: REPLACES_MODULES,
          // A process loads the product's modules once, not once a file: that is a quarter of the time.
          isolate: false,
        },
      },
      { test: { ...each, name: 'alone', include: REPLACES_MODULES } },
    ],
  },
});
