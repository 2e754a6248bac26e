import { type ErrorCode, isMap, isScalar, type YAMLError } from 'yaml';

// The library's own messages quote the file for these codes, and what they quote may be a password.
const SENTENCES: Partial<Record<ErrorCode, string>> = {
  BAD_ALIAS: 'not a valid alias (*) or anchor (&); put text that starts with * or & in quotes',
  BAD_DIRECTIVE: 'directives (%) are not used here; put text that starts with % in quotes',
  BAD_DQ_ESCAPE: 'not a valid escape in double quotes; write \\\\ for a backslash, or use single quotes',
  BAD_INDENT:
    'keys of one section start in the same column, and what belongs to one stands further right; each [ and { has its end',
  BAD_SCALAR_START: 'a value cannot start with this character; put it in quotes',
  BLOCK_AS_IMPLICIT_KEY:
    'a key within the value of another; see to the indentation, and put text that holds ": " in quotes',
  MULTILINE_IMPLICIT_KEY: 'a line that is not "key: value"; a space stands behind the colon',
  MULTIPLE_DOCS: 'a second document starts here; the configuration is one document',
  NON_STRING_KEY: 'a key must be text; put text that starts with { in quotes',
  TAB_AS_INDENT: 'a tab stands where lines are indented; YAML takes spaces only',
  TAG_RESOLVE_FAILED: 'tags (!) are not used here; put text that starts with ! in quotes',
  UNEXPECTED_TOKEN: 'text that does not belong here; see to quotes and indentation',
};

/** A syntax error of the file in words that hold nothing of the file. */
export const syntaxProblem = (error: YAMLError): string =>
  `not valid YAML: ${SENTENCES[error.code] ?? error.message}`;

/** Those errors that say something: a parser that has lost its way goes on, and what it finds then is of no use. */
export const telling = (errors: readonly YAMLError[]): readonly YAMLError[] => {
  const tabs = errors.filter(({ code }) => code === 'TAB_AS_INDENT');
  if (tabs.length > 0) return tabs;
  return errors.toSorted((a, b) => a.pos[0] - b.pos[0]).slice(0, 1);
};

/** Settings of MCollective and Choria, in whose files `key = value` stands in a line. */
const INI = /^[\w.]+ *= /m;

/** Why what the file holds can be no configuration, whatever its keys are. */
export const contentProblem = (contents: unknown, text: string): string | undefined => {
  if (isMap(contents)) return undefined;
  if (contents === null || (isScalar(contents) && contents.value === null))
    return 'the file holds no setting; docs/bridge.example.yaml has all of them';
  if (INI.test(text))
    return 'the file has lines of the form "key = value", as MCollective\'s have; bridge.yaml is YAML: "key: value", see docs/bridge.example.yaml';
  return 'the file holds no sections with keys; docs/bridge.example.yaml shows what it takes';
};
