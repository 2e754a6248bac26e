import type { LoadedConfig } from '../../setup/types.ts';
import { importCapture, summariseCapture } from '../file/capture-import.ts';
import { headerFor } from '../file/header.ts';
import { CassetteError } from '../file/problem.ts';
import { CassetteWriter } from '../file/write.ts';

export interface ImportOptions {
  /** A capture, in one of the forms that docs/cassettes.md has. */
  readonly capture: string;
  /** The ingress that its requests come in by. */
  readonly ingress: string;
  /** The program's version. */
  readonly version: string;
}

/**
 * Makes a cassette of a capture's requests. What the bridge makes of them is not in it yet: replay it with `update`.
 * @returns how many requests there are
 * @throws CassetteError
 */
export const cassetteFromCapture = async (
  file: string,
  loaded: LoadedConfig,
  { capture, ingress, version }: ImportOptions,
): Promise<number> => {
  const target = { ingress, config: loaded.config };
  const { count, clock, nodes } = await summariseCapture(capture, target);
  if (count === 0)
    throw new CassetteError(`${capture} has no request that the ingress ${ingress} would be sent`);
  const writer = new CassetteWriter(
    file,
    headerFor(loaded, {
      version,
      clock,
      nodes,
      note: `requests of the capture ${capture.split('/').at(-1)}`,
    }),
  );
  try {
    let at = clock;
    for await (const message of importCapture(capture, target)) {
      // Lines of a cassette are in order; a capture's clock may have been set back.
      at = Math.max(at, message.at);
      if (!writer.write({ ...message, at })) await writer.drained();
    }
    await writer.close();
  } catch (error) {
    await writer.discard();
    throw error;
  }
  return count;
};
