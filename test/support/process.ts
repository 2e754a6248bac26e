import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

const HARD_LIMIT_MS = 60_000;
const LOG_LIMIT = 1_000_000;

const living = new Set<ChildProcess>();
let watching = false;

const killAll = (): void => {
  for (const child of living) child.kill('SIGKILL');
};

/** A test process that ends, however it ends (short of SIGKILL), takes its children along. */
const watchOwnEnd = (): void => {
  if (watching) return;
  watching = true;
  process.once('exit', killAll);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => {
      killAll();
      process.kill(process.pid, signal);
    });
};

/** A thread that runs on another core goes on for a moment after the signal. */
const untilStopped = (pid: number): void => {
  const deadline = Date.now() + HARD_LIMIT_MS;
  const isStopped = (thread: string): boolean =>
    /\) [Tt] [^)]*$/.test(readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8'));
  while (!readdirSync(`/proc/${pid}/task`).every(isStopped))
    if (Date.now() > deadline) throw new Error(`process ${pid} does not stop`);
};

export interface SpawnOptions {
  readonly cwd?: string;
  /** Added to this process' environment. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface Child {
  readonly pid: number;
  /** What it has written to stdout and stderr so far, in order of arrival. */
  log(): string;
  /** Resolves with the exit code, or with the name of the signal that ended it. */
  readonly exited: Promise<number | string>;
  /** Resolves when its output matches; rejects, quoting the output, when it ends before that or takes too long. */
  waitFor(pattern: RegExp, timeoutMs: number): Promise<void>;
  /** After SIGSTOP it does nothing any more once this returns. */
  signal(signal: NodeJS.Signals): void;
  /** Reads its output no longer: what it writes from now on meets a broken pipe. */
  closeOutput(): void;
  /** SIGTERM, SIGKILL after `graceMs`; resolves once it is gone. Harmless when it is gone already. */
  stop(graceMs?: number): Promise<void>;
  /** SIGKILL; resolves once it is gone. */
  kill(): Promise<void>;
}

/** Starts a program that stays: a broker, a daemon. It dies with this process. */
export const start = (command: string, args: readonly string[], options: SpawnOptions = {}): Child => {
  watchOwnEnd();
  const child = spawn(command, [...args], {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  living.add(child);
  let log = '';
  const onOutput = new Set<() => void>();
  const append = (chunk: Buffer): void => {
    log = (log + chunk.toString()).slice(-LOG_LIMIT);
    for (const listener of onOutput) listener();
  };
  child.stdout.on('data', append);
  child.stderr.on('data', append);
  const exited = new Promise<number | string>((resolve) => {
    child.once('error', (error) => {
      living.delete(child);
      append(Buffer.from(`${command}: ${error.message}`));
      resolve(error.message);
    });
    child.once('exit', (code, signal) => {
      living.delete(child);
      resolve(code ?? signal ?? 'unknown');
    });
  });

  const waitFor = (pattern: RegExp, timeoutMs: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const settle = (error?: Error): void => {
        clearTimeout(timer);
        onOutput.delete(look);
        if (error === undefined) resolve();
        else reject(error);
      };
      const look = (): void => {
        if (pattern.test(log)) settle();
      };
      const give = (why: string) => settle(new Error(`${command} ${why}; its output:\n${log}`));
      const timer = setTimeout(() => give(`did not say ${pattern} within ${timeoutMs} ms`), timeoutMs);
      onOutput.add(look);
      void exited.then((how) => give(`ended (${how}) before it said ${pattern}`));
      look();
    });

  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
  };
  const stop = async (graceMs = HARD_LIMIT_MS): Promise<void> => {
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
    await exited;
    clearTimeout(timer);
  };
  return {
    pid: child.pid ?? -1,
    log: () => log,
    exited,
    waitFor,
    signal: (signal) => {
      child.kill(signal);
      if (signal === 'SIGSTOP' && child.pid !== undefined) untilStopped(child.pid);
    },
    closeOutput: () => {
      child.stdout.destroy();
      child.stderr.destroy();
    },
    stop,
    kill,
  };
};

export interface Finished {
  readonly status: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. Does not reject for a bad exit status; does when it cannot start or takes too long. */
export const run = (
  command: string,
  args: readonly string[],
  options: SpawnOptions & { readonly input?: string | Uint8Array; readonly timeoutMs?: number } = {},
): Promise<Finished> =>
  new Promise((resolve, reject) => {
    watchOwnEnd();
    const child = spawn(command, [...args], {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: 'pipe',
    });
    living.add(child);
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    const texts = () => ({
      stdout: Buffer.concat(stdout).toString(),
      stderr: Buffer.concat(stderr).toString(),
    });
    const timeoutMs = options.timeoutMs ?? 60_000;
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      const { stdout: out, stderr: err } = texts();
      reject(new Error(`${command} ${args.join(' ')} took longer than ${timeoutMs} ms:\n${out}\n${err}`));
    }, timeoutMs);
    child.once('error', (error) => {
      living.delete(child);
      clearTimeout(timer);
      reject(error);
    });
    child.once('close', (code, signal) => {
      living.delete(child);
      clearTimeout(timer);
      resolve({ status: code ?? signal ?? 'unknown', ...texts() });
    });
    child.stdin.on('error', () => {
      // A program that does not read its input: not of interest here.
    });
    child.stdin.end(options.input ?? '');
  });
