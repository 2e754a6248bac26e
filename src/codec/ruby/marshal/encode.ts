import { BINARY, isAsciiText, isEncodingName, requireWellFormed, US_ASCII, UTF_8 } from '../text.ts';
import {
  RubyError,
  RubyFloat,
  RubyHash,
  RubyRegexp,
  RubySet,
  RubyString,
  RubyStruct,
  RubySymbol,
  RubyTime,
  type RubyValue,
} from '../value.ts';
import { floatText, isFlonum } from './float.ts';
import { MAJOR, MAX_LEVELS, MINOR, REGEXP_FIXED_ENCODING, REGEXP_OPTIONS, TYPE } from './format.ts';
import { MarshalOutput } from './output.ts';
import { timeToDump } from './time-dump.ts';

const CLASS_NAME = /^[A-Z]\w*(?:::[A-Z]\w*)*$/;

class MarshalWriter {
  readonly output = new MarshalOutput();
  /** In the order of their first use: a message has a dozen, where a list is faster than a map. */
  readonly #symbols: string[] = [];
  #symbolMap: Map<string, number> | undefined;
  /** How many objects were written, for links to floats and names of encodings. */
  #objects = 0;
  #floats: Map<number, number> | undefined;
  #encodings: Map<string, number> | undefined;

  value(value: RubyValue, depth: number): void {
    if (typeof value === 'string') this.#text(value);
    else if (value instanceof RubySymbol) this.#symbol(value.name);
    else if (typeof value === 'number') this.#number(value);
    else if (value === null) this.output.byte(TYPE.nil);
    else if (typeof value === 'boolean') this.output.byte(value ? TYPE.true : TYPE.false);
    else if (depth > MAX_LEVELS) throw new RubyError('unwritable', `nested deeper than ${MAX_LEVELS} levels`);
    else if (value instanceof RubyHash) this.#hash(value, depth);
    else if (value instanceof RubyString) this.#string(value);
    else if (typeof value === 'bigint') this.#number(value);
    else if (value instanceof RubyFloat) this.#float(value.value);
    else if (value instanceof RubyRegexp) this.#regexp(value);
    else if (value instanceof RubyTime) this.#time(value);
    else if (value instanceof RubySet) this.#set(value, depth);
    else if (value instanceof RubyStruct) this.#struct(value, depth);
    else this.#array(value, depth);
  }

  #array(values: readonly RubyValue[], depth: number): void {
    this.#objects++;
    this.output.byte(TYPE.array);
    this.output.long(values.length);
    for (const value of values) this.value(value, depth + 1);
  }

  #number(value: number | bigint): void {
    if (typeof value === 'number' && !Number.isSafeInteger(value))
      throw new RubyError('unwritable', `${value} is not an exact integer; a float is a RubyFloat`);
    if (this.output.integer(value)) this.#objects++;
  }

  #text(text: string): void {
    this.#objects++;
    this.output.byte(TYPE.ivars);
    this.output.byte(TYPE.string);
    if (!this.output.text(text)) requireWellFormed(text);
    this.#encodingFlag(TYPE.true);
  }

  #encodingFlag(flag: number): void {
    this.output.byte(6);
    this.#symbol('E');
    this.output.byte(flag);
  }

  #symbol(name: string): void {
    const index = this.#symbolIndex(name);
    if (index >= 0) {
      this.output.byte(TYPE.symbolLink);
      this.output.long(index);
      return;
    }
    const ascii = isAsciiText(name);
    if (!ascii) {
      requireWellFormed(name);
      this.output.byte(TYPE.ivars);
    }
    this.output.byte(TYPE.symbol);
    this.output.text(name);
    if (!ascii) this.#encodingFlag(TYPE.true);
  }

  /** Where the symbol is in the document's table; -1 where it was not, and is now. */
  #symbolIndex(name: string): number {
    const symbols = this.#symbols;
    if (symbols.length < 32) {
      const index = symbols.indexOf(name);
      if (index < 0) symbols.push(name);
      return index;
    }
    this.#symbolMap ??= new Map(symbols.map((symbol, index) => [symbol, index]));
    const index = this.#symbolMap.get(name) ?? -1;
    if (index < 0) this.#symbolMap.set(name, this.#symbolMap.size);
    return index;
  }

  #hash(hash: RubyHash, depth: number): void {
    const { entries } = hash;
    this.#objects++;
    this.output.byte(TYPE.hash);
    this.output.long(entries.length);
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i];
      if (entry === undefined) continue;
      this.value(entry[0], depth + 1);
      this.value(entry[1], depth + 1);
    }
  }

  #string(string: RubyString): void {
    const { bytes, encoding } = string;
    this.#objects++;
    if (encoding !== BINARY) this.output.byte(TYPE.ivars);
    this.output.byte(TYPE.string);
    this.output.sequence(bytes);
    if (encoding === UTF_8) this.#encodingFlag(TYPE.true);
    else if (encoding === US_ASCII) this.#encodingFlag(TYPE.false);
    else if (encoding !== BINARY) this.#encodingName(encoding);
  }

  #encodingName(name: string): void {
    if (!isEncodingName(name)) throw new RubyError('unwritable', 'a string whose encoding has no name');
    this.output.byte(6);
    this.#symbol('encoding');
    this.#encodings ??= new Map();
    const index = this.#encodings.get(name);
    if (index === undefined) {
      this.#encodings.set(name, this.#objects++);
      this.output.byte(TYPE.string);
      this.output.text(name);
    } else this.#link(index);
  }

  #link(index: number): void {
    this.output.byte(TYPE.link);
    this.output.long(index);
  }

  #float(value: number): void {
    if (isFlonum(value)) {
      this.#floats ??= new Map();
      const index = this.#floats.get(value);
      if (index !== undefined) {
        this.#link(index);
        return;
      }
      this.#floats.set(value, this.#objects);
    }
    this.#objects++;
    this.output.byte(TYPE.float);
    this.output.text(floatText(value));
  }

  #regexp(regexp: RubyRegexp): void {
    this.#objects++;
    requireWellFormed(regexp.source);
    this.output.byte(TYPE.ivars);
    this.output.byte(TYPE.regexp);
    const ascii = this.output.text(regexp.source);
    this.output.byte((regexp.options & REGEXP_OPTIONS) | (ascii ? 0 : REGEXP_FIXED_ENCODING));
    this.#encodingFlag(ascii ? TYPE.false : TYPE.true);
  }

  #time(time: RubyTime): void {
    const { bytes, nano } = timeToDump(time);
    this.output.byte(TYPE.ivars);
    this.output.byte(TYPE.userDefined);
    this.#symbol('Time');
    this.output.sequence(bytes);
    this.output.long((nano === 0 ? 0 : 2) + 2);
    if (nano !== 0) {
      this.#symbol('nano_num');
      this.#number(nano);
      this.#symbol('nano_den');
      this.#number(1);
    }
    this.#symbol('zone');
    this.output.byte(TYPE.nil);
    this.#symbol('offset');
    if (time.offset === undefined) this.output.byte(TYPE.nil);
    else this.#number(time.offset);
    this.#objects++;
  }

  #set(set: RubySet, depth: number): void {
    this.#objects += 2;
    this.output.byte(TYPE.object);
    this.#symbol('Set');
    this.output.long(1);
    this.#symbol('@hash');
    this.output.byte(TYPE.hashWithDefault);
    this.output.long(set.members.length);
    for (const member of set.members) {
      this.value(member, depth + 2);
      this.output.byte(TYPE.true);
    }
    this.output.byte(TYPE.false);
  }

  #struct(struct: RubyStruct, depth: number): void {
    if (!CLASS_NAME.test(struct.className))
      throw new RubyError('unwritable', 'a Struct whose class has no name', { className: struct.className });
    this.#objects++;
    this.output.byte(TYPE.struct);
    this.#symbol(struct.className);
    this.output.long(struct.members.length);
    for (const [name, value] of struct.members) {
      this.#symbol(name);
      this.value(value, depth + 1);
    }
  }
}

/**
 * What `Marshal.dump` writes for the value. Shared references are written as often as they are reached.
 *
 * @throws RubyError `unwritable`: an unsafe number, half a surrogate pair, an encoding or Struct class without a
 *   name, a year beyond all calendars, a value nested without end
 */
export const encodeMarshal = (value: RubyValue): Buffer => {
  const writer = new MarshalWriter();
  writer.output.byte(MAJOR);
  writer.output.byte(MINOR);
  writer.value(value, 1);
  return writer.output.result();
};
