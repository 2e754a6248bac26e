import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const SCRIPT = fileURLToPath(new URL('ruby/action-policy.rb', import.meta.url));

/** What Ruby says of each item, in order. */
export const askRuby = (items: readonly unknown[]): readonly string[] => {
  const { stdout, stderr, status } = spawnSync('ruby', [SCRIPT], {
    input: items.map((item) => `${JSON.stringify(item)}\n`).join(''),
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status !== 0) throw new Error(`ruby ended with ${status}: ${stderr}`);
  return stdout.trimEnd().split('\n');
};
