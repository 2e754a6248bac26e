import { ObjectTable } from '../objects.ts';
import { knownSymbol } from '../symbols.ts';
import { BINARY, classError, isEncodingName, rubyText, US_ASCII, UTF_8 } from '../text.ts';
import {
  DEFAULT_RUBY_LIMITS,
  RubyError,
  RubyHash,
  type RubyLimits,
  RubyRegexp,
  RubySet,
  RubyString,
  RubyStruct,
  RubySymbol,
  type RubyTime,
  type RubyValue,
} from '../value.ts';
import { DEEPEST, MAJOR, MINOR, REGEXP_OPTIONS, TYPE } from './format.ts';
import { MarshalInput, malformed } from './input.ts';
import { type TimeVariables, timeFromDump } from './time-dump.ts';

/** Types whose first field is the name of a class that messages may not hold, as a symbol. */
const FOREIGN: ReadonlyMap<number, string> = new Map([
  [TYPE.userMarshal, 'an object of class'],
  [TYPE.userClass, 'a value of the core class'],
  [TYPE.extended, 'an object extended with module'],
  [TYPE.data, 'data of class'],
]);

class MarshalReader {
  readonly #input: MarshalInput;
  readonly #objects: ObjectTable;
  readonly #symbols: RubySymbol[] = [];

  constructor(bytes: Buffer, limits: RubyLimits) {
    this.#input = new MarshalInput(bytes);
    // A link is an `@`. Where no byte is one, no object needs to be remembered.
    this.#objects = new ObjectTable(limits, Math.min(limits.maxDepth, DEEPEST), bytes.includes(TYPE.link));
  }

  document(): RubyValue {
    const input = this.#input;
    if (input.byte() !== MAJOR || input.byte() !== MINOR) throw malformed('not a Marshal 4.8 document', 0);
    const value = this.#value(1);
    if (input.pos !== input.bytes.length) throw malformed('bytes after the end of the document', input.pos);
    return value;
  }

  #value(depth: number): RubyValue {
    const input = this.#input;
    const start = input.pos;
    this.#objects.enter(depth, start);
    const type = input.byte();
    switch (type) {
      case TYPE.nil:
        return null;
      case TYPE.true:
        return true;
      case TYPE.false:
        return false;
      case TYPE.fixnum:
        return input.long();
      case TYPE.ivars:
        return this.#withVariables(depth, start);
      case TYPE.symbol:
      case TYPE.symbolLink:
        input.pos = start;
        return this.#symbol(depth);
      case TYPE.link:
        return this.#objects.link(input.long(), depth, start);
      case TYPE.bignum:
        return this.#objects.leaf(input.bignum(), input.pos - start);
      case TYPE.float:
        return this.#objects.leaf(input.float(), input.pos - start);
      default:
        return this.#object(type, depth, start, false);
    }
  }

  /** `I`: what follows has instance variables, for which it must be of a type that can have them. */
  #withVariables(depth: number, start: number): RubyValue {
    const input = this.#input;
    const type = input.byte();
    switch (type) {
      case TYPE.symbol:
        input.pos = start;
        return this.#symbol(depth);
      case TYPE.nil:
      case TYPE.true:
      case TYPE.false:
      case TYPE.fixnum:
      case TYPE.ivars:
      case TYPE.symbolLink:
      case TYPE.link:
      case TYPE.bignum:
      case TYPE.float:
        throw malformed('instance variables of what can have none', start);
      default:
        return this.#object(type, depth, start, true);
    }
  }

  #object(type: number, depth: number, start: number, variables: boolean): RubyValue {
    if (type === TYPE.userDefined) return this.#time(depth, start, variables);
    const objects = this.#objects;
    const index = objects.open(depth, start);
    const value = this.#contents(type, depth, start, variables);
    objects.close(index, value, depth, this.#input.pos);
    return value;
  }

  #contents(type: number, depth: number, start: number, variables: boolean): RubyValue {
    if (type === TYPE.string) return this.#string(depth, variables);
    if (type === TYPE.regexp) return this.#regexp(depth, start, variables);
    let value: RubyValue;
    if (type === TYPE.hash) value = this.#hash(depth);
    else if (type === TYPE.array) value = this.#array(depth);
    else if (type === TYPE.hashWithDefault) {
      value = this.#hash(depth);
      // The default is what a lookup in the sender would have answered; a message is only what is there.
      this.#value(depth + 1);
    } else if (type === TYPE.struct) value = this.#struct(depth);
    else if (type === TYPE.object) value = this.#set(depth, start);
    else throw this.#foreign(type, depth, start);
    // Variables beside the contents (`ruby2_keywords` flags, a program's own) are no part of the plain value.
    if (variables) for (let left = this.#input.count(2); left > 0; left--) this.#variable(depth);
    return value;
  }

  #variable(depth: number): readonly [RubySymbol, RubyValue] {
    return [this.#symbol(depth + 1), this.#value(depth + 1)];
  }

  #symbol(depth: number): RubySymbol {
    const input = this.#input;
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
      this.#objects.enter(depth + 1, start);
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
    const name = input.text(from);
    // It counts before its own encoding's name does.
    const index = this.#symbols.push(new RubySymbol(name ?? '')) - 1;
    const encoding = variables ? this.#encoding(depth + 1) : US_ASCII;
    const symbol = this.#symbols[index];
    const text = symbol === undefined ? undefined : rubyText(input.bytes, from, end, encoding);
    if (symbol === undefined || typeof text !== 'string')
      throw classError('Symbol', 'a name that is not UTF-8 for a', start);
    return symbol;
  }

  /** Reads a string's variables for its encoding. */
  #encoding(depth: number): string {
    const input = this.#input;
    let encoding = BINARY;
    for (let left = input.count(2); left > 0; left--) {
      const at = input.pos;
      const symbol = this.#symbol(depth + 1);
      const value = this.#value(depth + 1);
      if (symbol.name === 'E') {
        if (typeof value !== 'boolean') throw malformed('an encoding that is neither true nor false', at);
        encoding = value ? UTF_8 : US_ASCII;
      } else if (symbol.name === 'encoding') {
        const name = value instanceof RubyString ? value.bytes.toString('latin1') : value;
        if (typeof name !== 'string' || !isEncodingName(name))
          throw malformed('an encoding without a name', at);
        encoding = name;
      }
    }
    return encoding;
  }

  #string(depth: number, variables: boolean): string | RubyString {
    const input = this.#input;
    const from = input.sequence();
    const end = input.pos;
    return rubyText(input.bytes, from, end, variables ? this.#encoding(depth) : BINARY);
  }

  #regexp(depth: number, start: number, variables: boolean): RubyRegexp {
    const input = this.#input;
    const from = input.sequence();
    const end = input.pos;
    const options = input.byte();
    // Ruby 1.8 knew no encodings.
    const encoding = variables ? this.#encoding(depth) : UTF_8;
    const source = rubyText(input.bytes, from, end, encoding === BINARY ? US_ASCII : encoding);
    if (typeof source !== 'string') throw classError('Regexp', 'a source that is not UTF-8 for a', start);
    return new RubyRegexp(source, options & REGEXP_OPTIONS);
  }

  #array(depth: number): readonly RubyValue[] {
    const values: RubyValue[] = [];
    for (let left = this.#input.count(1); left > 0; left--) values.push(this.#value(depth + 1));
    return values;
  }

  #hash(depth: number): RubyHash {
    const entries: [RubyValue, RubyValue][] = [];
    for (let left = this.#input.count(2); left > 0; left--)
      entries.push([this.#value(depth + 1), this.#value(depth + 1)]);
    return new RubyHash(entries);
  }

  #struct(depth: number): RubyStruct {
    const className = this.#symbol(depth).name;
    const members: [string, RubyValue][] = [];
    for (let left = this.#input.count(2); left > 0; left--) {
      const [name, value] = this.#variable(depth);
      members.push([name.name, value]);
    }
    return new RubyStruct(className, members);
  }

  /** A Set is an object with one variable, a hash whose keys are the members. */
  #set(depth: number, start: number): RubySet {
    const input = this.#input;
    const className = this.#symbol(depth).name;
    if (className !== 'Set') throw classError(className, 'an object of class', start);
    if (input.count(2) !== 1) throw malformed('a Set with variables of its own', start);
    const [name, hash] = this.#variable(depth);
    if (name.name !== '@hash' || !(hash instanceof RubyHash)) throw malformed('a Set without members', start);
    return new RubySet(hash.entries.map(([member]) => member));
  }

  /** Objects with `_dump` count after their variables, unlike all others (`r_object0` in Ruby's marshal.c). */
  #time(depth: number, start: number, hasVariables: boolean): RubyTime {
    const input = this.#input;
    const className = this.#symbol(depth).name;
    if (className !== 'Time') throw classError(className, 'an object of class', start);
    const bytes = input.bytes.subarray(input.sequence(), input.pos);
    const variables: TimeVariables = {};
    if (hasVariables)
      for (let left = input.count(2); left > 0; left--) {
        const [symbol, value] = this.#variable(depth);
        const { name } = symbol;
        if (name === 'offset' || name === 'nano_num' || name === 'nano_den') variables[name] = value;
      }
    return this.#objects.leaf(timeFromDump(bytes, variables, start), input.pos - start);
  }

  #foreign(type: number, depth: number, start: number): RubyError {
    const what = FOREIGN.get(type);
    if (what !== undefined) return classError(this.#symbol(depth).name, what, start);
    if (type !== TYPE.class && type !== TYPE.module && type !== TYPE.classOrModule)
      return malformed(`the byte 0x${type.toString(16)} is no type`, start);
    return classError(type === TYPE.class ? 'Class' : 'Module', 'a value of class', start);
  }
}

/**
 * What `Marshal.load` would make of a document, for plain values and the classes of the value model.
 *
 * Binary and foreign strings are views of `bytes`, which must not change afterwards. Shared references give the
 * same JavaScript value each time. A hash's default value and variables of a program's own are left out.
 *
 * @throws RubyError `malformed`, `limit`, `class` or `cycle`
 */
export const decodeMarshal = (bytes: Uint8Array, limits: RubyLimits = DEFAULT_RUBY_LIMITS): RubyValue => {
  if (bytes.length > limits.maxBytes)
    throw new RubyError('limit', `${bytes.length} bytes are more than the ${limits.maxBytes} allowed`);
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return new MarshalReader(buffer, limits).document();
};
