/** What a cassette, or a capture that is to become one, is unusable for. */
export class CassetteError extends Error {
  override readonly name = 'CassetteError';

  /** The same, with its place: `file:line: …`, a form that editors can jump to. Lines are counted from 1. */
  at(file: string, line: number): CassetteError {
    return new CassetteError(`${file}:${line}: ${this.message}`, { cause: this });
  }
}
