import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** Files that replace modules for all who import them, so each needs modules of its own. */
const REPLACES_MODULES = ['test/capture/replay/seals.test.ts'];

/** The package by its own name is what is in src/, so that tests need no build of it. */
export const resolve = {
  alias: [
    { find: /^mcbridge$/, replacement: fileURLToPath(new URL('src/public/index.ts', import.meta.url)) },
    { find: /^mcbridge\/(\w+)$/, replacement: fileURLToPath(new URL('src/public/$1.ts', import.meta.url)) },
  ],
};

/** What is the same in the long run. */
export const each = {
  testTimeout: 180_000,
  hookTimeout: 180_000,
  pool: 'forks',
  setupFiles: ['test/support/patience.ts'],
} as const;

export default defineConfig({
  test: {
    globalSetup: ['test/support/build.ts'],
    // Half of the time a file waits for brokers and daemons: five at a time keep two cores busy. Its tests run one by one
    // where they do not say that they are concurrent.
    maxWorkers: 5,
    projects: [
      {
        resolve,
        test: {
          ...each,
          name: 'together',
          include: ['test/**/*.test.ts'],
          exclude: REPLACES_MODULES,
          // A process loads the product's modules once, not once a file: that is a quarter of the time.
          isolate: false,
        },
      },
      { resolve, test: { ...each, name: 'alone', include: REPLACES_MODULES } },
    ],
  },
});
