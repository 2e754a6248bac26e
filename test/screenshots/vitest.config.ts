import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** For `npm run screenshots`: what takes the pictures in docs/images, by hand and never in CI. */
export default defineConfig({
  test: {
    root: fileURLToPath(new URL('../..', import.meta.url)),
    globalSetup: ['test/support/build.ts'],
    include: ['test/screenshots/*.make.ts'],
    testTimeout: 180_000,
    hookTimeout: 180_000,
    pool: 'forks',
    maxWorkers: 1,
  },
});
