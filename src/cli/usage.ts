/** What was asked for cannot be done as it was written: told in a sentence, exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
