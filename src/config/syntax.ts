import type { ErrorCode, YAMLError } from 'yaml';

// The library's own messages quote the file for these codes, and what they quote may be a password.
const SENTENCES: Partial<Record<ErrorCode, string>> = {
  BAD_ALIAS: 'not a valid alias (*) or anchor (&); put text that starts with * or & in quotes',
  BAD_DIRECTIVE: 'directives (%) are not used here; put text that starts with % in quotes',
  BAD_DQ_ESCAPE: 'not a valid escape in double quotes; write \\\\ for a backslash, or use single quotes',
  BAD_SCALAR_START: 'a value cannot start with this character; put it in quotes',
  MULTIPLE_DOCS: 'a second document starts here; the configuration is one document',
  NON_STRING_KEY: 'a key must be text',
  TAG_RESOLVE_FAILED: 'tags (!) are not used here; put text that starts with ! in quotes',
  UNEXPECTED_TOKEN: 'text that does not belong here; see to quotes and indentation',
};

/** A syntax error of the file in words that hold nothing of the file. */
export const syntaxProblem = (error: YAMLError): string =>
  `not valid YAML: ${SENTENCES[error.code] ?? error.message}`;
