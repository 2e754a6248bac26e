import { createReadStream } from 'node:fs';
import { readFailure } from '../../config/files.ts';
import { UsageError } from '../usage.ts';

/** The most that is read of one input; a message of this size is far beyond what any broker carries. */
export const MAX_INPUT_BYTES = 64 * 1024 * 1024;

const MIB_BYTES = 1024 * 1024;

/**
 * All bytes of a stream.
 * @throws UsageError where there are more than `max`
 */
export const readAll = async (
  stream: AsyncIterable<Buffer>,
  name: string,
  max = MAX_INPUT_BYTES,
): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream) {
    length += chunk.length;
    if (length > max)
      throw new UsageError(
        `${name} holds more than the ${max / MIB_BYTES} MiB that are read at once: split it`,
      );
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
};

/** Standard input's name, as with other programs. */
export const STDIN = '-';

/**
 * The bytes of a file, or of standard input.
 * @throws UsageError where it cannot be read or is too large
 */
export const readInput = async (file: string): Promise<Buffer> => {
  if (file === STDIN) return readAll(process.stdin, 'standard input');
  try {
    return await readAll(createReadStream(file), file);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${file} cannot be read: ${readFailure(error)}`);
  }
};
