import { plainBytes, plainDumped, type Variables } from '../classes/plain.ts';
import { scalarText } from '../classes/text.ts';
import { textIn } from '../encodings/decode.ts';
import { BINARY, rubyText, US_ASCII, UTF_8 } from '../text.ts';
import {
  DEFAULT_RUBY_LIMITS,
  RubyError,
  RubyHash,
  type RubyLimits,
  RubyRegexp,
  type RubyString,
  RubyStruct,
  type RubyValue,
} from '../value.ts';
import { MAJOR, MINOR, REGEXP_OPTIONS, TYPE } from './format.ts';
import { malformed } from './input.ts';
import { escaped, objectOf, timeVariables } from './objects.ts';
import { SymbolReader } from './symbols.ts';
import { timeFromDump } from './time-dump.ts';

/** Classes and modules that one value is dumped with; an object rarely has been extended by two. */
const MAX_WRAPPERS = 64;

class MarshalReader extends SymbolReader {
  document(): RubyValue {
    const input = this.input;
    if (input.byte() !== MAJOR || input.byte() !== MINOR) throw malformed('not a Marshal 4.8 document', 0);
    const value = this.value(1);
    if (input.pos !== input.bytes.length) throw malformed('bytes after the end of the document', input.pos);
    return value;
  }

  protected override value(depth: number): RubyValue {
    const input = this.input;
    const start = input.pos;
    this.objects.enter(depth, start);
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
        return this.symbol(depth);
      case TYPE.link:
        return this.objects.link(input.long(), depth, start);
      case TYPE.bignum:
        return this.objects.leaf(input.bignum(), input.pos - start);
      case TYPE.float:
        return this.objects.leaf(input.float(), input.pos - start);
      default:
        return this.#object(type, depth, start, false);
    }
  }

  /** `I`: what follows has instance variables, for which it must be of a type that can have them. */
  #withVariables(depth: number, start: number): RubyValue {
    const input = this.input;
    const type = input.byte();
    switch (type) {
      case TYPE.symbol:
        input.pos = start;
        return this.symbol(depth);
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

  #object(type: number, depth: number, start: number, hasVariables: boolean): RubyValue {
    let kind = type;
    let variables = hasVariables;
    // The class of a subclass, and modules that one object was extended with, are not part of the plain value.
    for (let wrappers = 1; kind === TYPE.userClass || kind === TYPE.extended; wrappers++) {
      if (wrappers > MAX_WRAPPERS)
        throw new RubyError('limit', `more than ${MAX_WRAPPERS} modules around a value`, { offset: start });
      this.name(depth);
      kind = this.input.byte();
      if (kind === TYPE.ivars && !variables) {
        variables = true;
        kind = this.input.byte();
      }
    }
    if (kind === TYPE.userDefined) return this.#userDefined(depth, start, variables);
    const objects = this.objects;
    const index = objects.open(depth, start);
    const value = this.#contents(kind, depth, start, variables, index);
    objects.close(index, value, depth, this.input.pos);
    return value;
  }

  #contents(type: number, depth: number, start: number, variables: boolean, index: number): RubyValue {
    if (type === TYPE.string) return this.#string(depth, variables);
    if (type === TYPE.regexp) return this.#regexp(depth, variables);
    const value = this.#composed(type, depth, start, index);
    // Variables beside the contents (`ruby2_keywords` flags, a program's own) are not part of the plain value.
    if (variables) this.#variables(depth);
    return value;
  }

  #composed(type: number, depth: number, start: number, index: number): RubyValue {
    switch (type) {
      case TYPE.hash:
        return this.#hash(depth);
      case TYPE.array:
        return this.#array(depth);
      case TYPE.hashWithDefault: {
        const hash = this.#hash(depth);
        // The default is what a lookup in the sender would have answered; a message is only what is there.
        this.value(depth + 1);
        return hash;
      }
      case TYPE.struct:
        return this.#struct(depth, index);
      case TYPE.object: {
        const className = this.name(depth);
        this.objects.name(index, className);
        return objectOf(className, this.#variables(depth));
      }
      case TYPE.userMarshal:
      case TYPE.data: {
        const className = this.name(depth);
        this.objects.name(index, className);
        return plainDumped(className, this.value(depth + 1));
      }
      case TYPE.class:
      case TYPE.module:
      case TYPE.classOrModule: {
        const from = this.input.sequence();
        return rubyText(this.input.bytes, from, this.input.pos, UTF_8);
      }
      default:
        throw malformed(`the byte 0x${type.toString(16)} is no type`, start);
    }
  }

  /** Instance variables; those of Ruby itself have no `@`. */
  #variables(depth: number): Variables {
    const variables: [string, RubyValue][] = [];
    for (let left = this.input.count(2); left > 0; left--) {
      const name = this.name(depth + 1);
      const value = this.#inside(name, () => this.value(depth + 1));
      variables.push([name, value]);
    }
    return variables;
  }

  /** What is at a place in a value; an error says where. */
  #inside(place: string | number, read: () => RubyValue): RubyValue {
    try {
      return read();
    } catch (error) {
      throw error instanceof RubyError ? error.at(place) : error;
    }
  }

  #string(depth: number, variables: boolean): string | RubyString {
    const input = this.input;
    const from = input.sequence();
    const end = input.pos;
    return rubyText(input.bytes, from, end, variables ? this.encoding(depth) : BINARY);
  }

  #regexp(depth: number, variables: boolean): RubyRegexp {
    const input = this.input;
    const from = input.sequence();
    const bytes = input.bytes.subarray(from, input.pos);
    const options = input.byte();
    // Ruby 1.8 knew no encodings.
    const source = textIn(bytes, variables ? this.encoding(depth) : UTF_8) ?? escaped(bytes);
    return new RubyRegexp(source, options & REGEXP_OPTIONS);
  }

  #array(depth: number): readonly RubyValue[] {
    const values: RubyValue[] = [];
    try {
      for (let left = this.input.count(1); left > 0; left--) values.push(this.value(depth + 1));
    } catch (error) {
      throw error instanceof RubyError ? error.at(values.length) : error;
    }
    return values;
  }

  #hash(depth: number): RubyHash {
    const entries: [RubyValue, RubyValue][] = [];
    let key: RubyValue = null;
    try {
      for (let left = this.input.count(2); left > 0; left--) {
        key = null;
        key = this.value(depth + 1);
        entries.push([key, this.value(depth + 1)]);
      }
    } catch (error) {
      throw error instanceof RubyError ? error.at(scalarText(key) ?? '?') : error;
    }
    return new RubyHash(entries);
  }

  #struct(depth: number, index: number): RubyStruct {
    const className = this.name(depth);
    this.objects.name(index, className);
    const members: [string, RubyValue][] = [];
    for (let left = this.input.count(2); left > 0; left--) {
      const name = this.name(depth + 1);
      members.push([name, this.#inside(name, () => this.value(depth + 1))]);
    }
    return new RubyStruct(className, members);
  }

  /** Objects with `_dump` count after their variables, unlike all others (`r_object0` in Ruby's marshal.c). */
  #userDefined(depth: number, start: number, hasVariables: boolean): RubyValue {
    const input = this.input;
    const className = this.name(depth);
    const from = input.sequence();
    const end = input.pos;
    const names = new Map<string, RubyValue>();
    let encoding = BINARY;
    if (hasVariables)
      for (const [name, value] of this.#variables(depth)) {
        names.set(name, value);
        if (name === 'E') encoding = value === true ? UTF_8 : US_ASCII;
        if (name === 'encoding') encoding = scalarText(value) ?? BINARY;
      }
    const bytes = input.bytes.subarray(from, end);
    // A class that inherits from Time has its variables.
    const isTime = className === 'Time' || (bytes.length >= 8 && names.has('zone'));
    const value = isTime
      ? timeFromDump(bytes, timeVariables(names), start)
      : plainBytes(className, rubyText(input.bytes, from, end, encoding));
    return this.objects.leaf(value, input.pos - start);
  }
}

/**
 * What `Marshal.load` would make of a document; objects of other classes than those of the value model as Ruby's own
 * JSON would write them.
 *
 * Binary and foreign strings are views of `bytes`, which must not change afterwards. Shared references give the
 * same JavaScript value each time. A hash's default value and variables of a program's own are left out.
 *
 * @throws RubyError `malformed`, `limit` or `cycle`
 */
export const decodeMarshal = (bytes: Uint8Array, limits: RubyLimits = DEFAULT_RUBY_LIMITS): RubyValue => {
  if (bytes.length > limits.maxBytes)
    throw new RubyError('limit', `${bytes.length} bytes are more than the ${limits.maxBytes} allowed`);
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return new MarshalReader(buffer, limits).document();
};
