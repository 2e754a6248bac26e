import { textIn } from '../encodings/decode.ts';
import { ObjectTable } from '../objects.ts';
import { knownSymbol } from '../symbols.ts';
import { BINARY, isEncodingName, rubyText, US_ASCII, UTF_8 } from '../text.ts';
import { type RubyLimits, RubyString, RubySymbol, type RubyValue } from '../value.ts';
import { MAX_LEVELS, TYPE } from './format.ts';
import { MarshalInput, malformed } from './input.ts';

/** Where a symbol will be whose encoding is being read. */
const UNREAD = new RubySymbol('');

const symbolOf = (name: string | RubyString): RubySymbol | RubyString => {
  if (typeof name === 'string') return new RubySymbol(name);
  const text = textIn(name.bytes, name.encoding);
  return text === undefined ? name : new RubySymbol(text);
};

/** Reads symbols, which are written once and then linked to, and the encodings of texts, whose names are symbols. */
export abstract class SymbolReader {
  protected readonly input: MarshalInput;
  protected readonly objects: ObjectTable;
  /** One whose name is not text in its encoding is the string of its name. */
  readonly #symbols: (RubySymbol | RubyString)[] = [];

  constructor(bytes: Buffer, limits: RubyLimits) {
    this.input = new MarshalInput(bytes);
    // A link is an `@`. Where no byte is one, no object needs to be remembered.
    this.objects = new ObjectTable(limits, Math.min(limits.maxDepth, MAX_LEVELS), bytes.includes(TYPE.link));
  }

  protected abstract value(depth: number): RubyValue;

  /** A symbol where its name alone matters. */
  protected name(depth: number): string {
    const symbol = this.symbol(depth);
    return symbol instanceof RubySymbol ? symbol.name : symbol.bytes.toString('latin1');
  }

  protected symbol(depth: number): RubySymbol | RubyString {
    const input = this.input;
    const start = input.pos;
    let type = input.byte();
    if (type === TYPE.symbolLink) {
      const symbol = this.#symbols[input.long()];
      if (symbol === undefined) throw malformed('a link to no symbol', start);
      return symbol;
    }
    const variables = type === TYPE.ivars;
    if (variables) {
      // The variables' names are symbols with variables in their turn.
      this.objects.enter(depth + 1, start);
      type = input.byte();
    }
    if (type !== TYPE.symbol) throw malformed('not a symbol where one must be', start);
    const from = input.sequence();
    const end = input.pos;
    const known = variables ? undefined : knownSymbol(input.bytes, from, end);
    if (known !== undefined) {
      this.#symbols.push(known);
      return known;
    }
    // It counts before its own encoding's name does.
    const index = this.#symbols.push(UNREAD) - 1;
    const encoding = variables ? this.encoding(depth + 1) : US_ASCII;
    const symbol = symbolOf(rubyText(input.bytes, from, end, encoding));
    this.#symbols[index] = symbol;
    return symbol;
  }

  /** Reads a string's variables for its encoding. */
  protected encoding(depth: number): string {
    const input = this.input;
    let encoding = BINARY;
    for (let left = input.count(2); left > 0; left--) {
      const at = input.pos;
      const name = this.name(depth + 1);
      if (name === 'E') {
        encoding = this.#isUtf8(depth + 1, at) ? UTF_8 : US_ASCII;
        continue;
      }
      const value = this.value(depth + 1);
      if (name === 'encoding') {
        const text = value instanceof RubyString ? value.bytes.toString('latin1') : value;
        if (typeof text !== 'string' || !isEncodingName(text))
          throw malformed('an encoding without a name', at);
        encoding = text;
      }
    }
    return encoding;
  }

  /** The value of `E`, which most strings have. */
  #isUtf8(depth: number, at: number): boolean {
    this.objects.enter(depth, this.input.pos);
    const type = this.input.byte();
    if (type !== TYPE.true && type !== TYPE.false)
      throw malformed('an encoding that is neither true nor false', at);
    return type === TYPE.true;
  }
}
