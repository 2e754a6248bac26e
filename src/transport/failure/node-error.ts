/** The code of an error of Node's or OpenSSL's; empty where it has none. */
export const codeOf = (error: unknown): string => {
  if (!(error instanceof Error)) return '';
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (code !== 'EPROTO') return code;
  // A failing write has OpenSSL's reason in its text alone.
  const reason = /SSL routines:[^:]*:([^:\n]+)/.exec(error.message)?.[1];
  return reason === undefined ? code : `ERR_SSL_${reason.toUpperCase().replaceAll(' ', '_')}`;
};

/** OpenSSL's errors have a readable `reason` beside a message with memory addresses; several addresses, several errors. */
export const errorSentence = (error: unknown): string => {
  if (error instanceof AggregateError && error.message === '')
    return error.errors.map(errorSentence).join('; ');
  if (!(error instanceof Error)) return String(error);
  return 'reason' in error && typeof error.reason === 'string' ? error.reason : error.message;
};

/** An error and what it came from. */
export const chainOf = (error: unknown): readonly Error[] =>
  error instanceof Error ? [error, ...chainOf(error.cause)] : [];
