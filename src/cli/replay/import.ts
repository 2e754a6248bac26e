import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { version } from '../../app/version.ts';
import { CassetteError, writeFailure } from '../../capture/file/problem.ts';
import { cassetteFromCapture } from '../../capture/replay/import.ts';
import type { ReplayResult } from '../../capture/replay/result.ts';
import type { LoadedConfig } from '../../setup/types.ts';
import { UsageError } from '../usage.ts';
import { type ReplayTask, replayOne } from './one.ts';

export interface ImportCassetteOptions {
  readonly capture: string;
  readonly ingress: string;
  /** Whether a cassette that is there is replaced. */
  readonly force: boolean;
  readonly task: ReplayTask;
  readonly loaded: LoadedConfig;
  readonly signal: AbortSignal;
}

const sum = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((total, count) => total + count, 0);

/**
 * Makes a cassette of a capture's requests and of what the bridge makes of them. It is there once it is whole.
 * @throws UsageError where it cannot be made, and where it would hold nothing but refusals
 */
export const importCassette = async (
  file: string,
  { capture, ingress, force, task, loaded, signal }: ImportCassetteOptions,
): Promise<ReplayResult> => {
  if (existsSync(file) && !force)
    throw new UsageError(`${file} is there already: give another name, or --force to replace it`);
  const made = `${file}.${process.pid}.import`;
  try {
    const requests = await cassetteFromCapture(made, loaded, { capture, ingress, version: version() });
    const result = await replayOne(made, { ...task, update: true }, { signal });
    const { refused, sent, outcome } = result;
    if (outcome === 'unusable') throw new UsageError(result.reason ?? outcome);
    // Clients get some refusals: that something was sent proves nothing.
    if (sum(refused) >= requests)
      throw new UsageError(
        `all ${requests} requests of ${capture} were refused (${Object.keys(refused).join(', ')}): no cassette is made`,
      );
    await rename(made, file);
    return { ...result, file, sent, imported: true };
  } catch (error) {
    throw asUsage(error, file, made);
  } finally {
    await rm(made, { force: true });
  }
};

const asUsage = (error: unknown, file: string, made: string): unknown => {
  if (error instanceof CassetteError) return new UsageError(error.message.replaceAll(made, file));
  return error instanceof Error && 'syscall' in error ? new UsageError(writeFailure(file, error)) : error;
};
