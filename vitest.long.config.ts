import { defineConfig } from 'vitest/config';
import base from './vitest.config.ts';

/** Matrices, kills and large property runs: `npm run test:long`. */
export default defineConfig({
  test: { ...base.test, include: ['test/**/*.long.ts'], exclude: [], testTimeout: 600_000 },
});
