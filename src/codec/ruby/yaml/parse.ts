import { Composer, CST, Lexer, type ParsedNode, Parser } from 'yaml';
import { errorText } from '../../../envelope/text.ts';
import { MAX_LEVELS } from '../marshal/format.ts';
import { printableAscii, utf8Text } from '../text.ts';
import { RubyError, type RubyLimits } from '../value.ts';
import { MAX_LINES, SPARE_TOKENS, TOKENS_PER_ELEMENT } from './limits.ts';
import { readable } from './lines.ts';

/** The failsafe schema leaves every scalar the text that it is; what it means is Psych's to say. */
const OPTIONS = {
  version: '1.2',
  schema: 'failsafe',
  resolveKnownTags: false,
  merge: false,
  uniqueKeys: false,
  prettyErrors: false,
  strict: true,
} as const;

/**
 * What libyaml refuses in a document (`yaml_parser_update_buffer`) and the `yaml` package does not: control
 * characters, a BOM, non-characters.
 */
const FOREIGN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters in question
  /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff\ufffe\uffff]/;

const malformed = (message: string, cause?: unknown): RubyError =>
  new RubyError('malformed', message, { cause });

/** The deepest level of a token, without recursion, because what comes after recurses. */
const checkDepth = (root: CST.Token, maxDepth: number): void => {
  const open: [token: CST.Token, depth: number][] = [[root, 0]];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [token, depth] = next;
    if (depth > maxDepth) throw new RubyError('limit', `nested deeper than ${maxDepth} levels`);
    if (token.type === 'document') {
      if (token.value !== undefined) open.push([token.value, depth + 1]);
    } else if (CST.isCollection(token))
      for (const item of token.items) {
        if (item.key) open.push([item.key, depth + 1]);
        if (item.value) open.push([item.value, depth + 1]);
      }
  }
};

const tokens = (source: string, limits: RubyLimits): CST.Token[] => {
  const parser = new Parser();
  const found: CST.Token[] = [];
  let left = limits.maxElements * TOKENS_PER_ELEMENT + SPARE_TOKENS;
  for (const lexeme of new Lexer().lex(source)) {
    if (--left < 0) throw new RubyError('limit', `more tokens than ${limits.maxElements} values need`);
    for (const token of parser.next(lexeme)) found.push(token);
  }
  for (const token of parser.end()) found.push(token);
  return found;
};

const compose = (source: string, limits: RubyLimits): ParsedNode | null => {
  const found = tokens(source, limits);
  for (const token of found) {
    if (token.type === 'error') throw malformed(`not YAML: ${printableAscii(token.message)}`);
    // Ruby writes none, and the `yaml` package overlooks what libyaml refuses in them.
    if (token.type === 'directive') throw malformed('a directive, which messages do not have');
    checkDepth(token, Math.min(limits.maxDepth, MAX_LEVELS));
  }
  const composer = new Composer(OPTIONS);
  const documents = [...composer.compose(found)];
  const document = documents[0];
  const error = document?.errors[0] ?? composer.streamInfo().errors[0];
  if (error !== undefined) {
    if (error.code === 'RESOURCE_EXHAUSTION')
      throw new RubyError('limit', 'nested too deeply', { cause: error });
    throw malformed(`not YAML: ${printableAscii(error.message)}`, error);
  }
  if (documents.length > 1) throw malformed('more than one document');
  return document?.contents ?? null;
};

const checkLines = (source: string): void => {
  let lines = 0;
  for (let at = source.indexOf('\n'); at !== -1; at = source.indexOf('\n', at + 1))
    if (++lines > MAX_LINES) throw new RubyError('limit', `more than ${MAX_LINES} lines`);
};

export interface YamlDocument {
  readonly source: string;
  /** What was parsed; see `readable`. */
  readonly adapted: string;
  /** Null where the document is empty. */
  readonly root: ParsedNode | null;
}

/**
 * The nodes of the one document in `bytes`.
 * @throws RubyError `malformed` or `limit`
 */
export const parseYaml = (bytes: Uint8Array, limits: RubyLimits): YamlDocument => {
  if (bytes.length > limits.maxBytes)
    throw new RubyError('limit', `${bytes.length} bytes are more than the ${limits.maxBytes} allowed`);
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const source = utf8Text(buffer, 0, buffer.length);
  if (source === undefined) throw malformed('not UTF-8');
  if (FOREIGN.test(source)) throw malformed('a character that YAML does not allow');
  try {
    const adapted = readable(source);
    checkLines(adapted);
    return { source, adapted, root: compose(adapted, limits) };
  } catch (error) {
    if (error instanceof RubyError) throw error;
    // A stack that ran out, or a mistake of the package: either way not a document that Ruby wrote.
    throw malformed(`not YAML: ${printableAscii(errorText(error))}`, error);
  }
};
