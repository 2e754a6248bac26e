import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** A program in a pseudo terminal of its own, by `script` of bsdutils. */
export interface Terminal {
  /** Everything that was written to the terminal, escape sequences too. */
  output(): string;
  /** Once the output after `from` matches. */
  until(pattern: RegExp, from?: number): Promise<void>;
  /** What somebody types. */
  type(keys: string): void;
  readonly exited: Promise<number | null>;
  kill(): void;
}

const LIMIT_MS = 30_000;

const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

export const openTerminal = (
  command: readonly string[],
  { columns, rows }: { readonly columns: number; readonly rows: number },
): Terminal => {
  const line = `stty cols ${columns} rows ${rows} -echo; exec ${command.map(quoted).join(' ')}`;
  const child = spawn('script', ['-qec', line, '/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, TERM: 'xterm', NO_COLOR: '' },
  });
  let output = '';
  const listeners = new Set<() => void>();
  const notify = (): void => {
    for (const listener of listeners) listener();
  };
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
    notify();
  });
  const exited = once(child, 'close').then(([code]): number | null => code);
  let ended = false;
  void exited.then(() => {
    ended = true;
    notify();
  });
  return {
    output: () => output,
    until: (pattern, from = 0) =>
      new Promise((resolve, reject) => {
        const fail = (why: string): void =>
          settle(new Error(`${why} it showed ${pattern}:\n${JSON.stringify(output.slice(from))}`));
        const look = (): void => {
          if (pattern.test(output.slice(from))) settle();
          else if (ended) fail('the program ended before');
        };
        const settle = (error?: Error): void => {
          clearTimeout(timer);
          listeners.delete(look);
          if (error === undefined) resolve();
          else reject(error);
        };
        const timer = setTimeout(() => fail('the time was up before'), LIMIT_MS);
        listeners.add(look);
        look();
      }),
    type: (keys) => void child.stdin.write(keys),
    exited,
    kill: () => void child.kill('SIGKILL'),
  };
};
