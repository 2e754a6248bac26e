/**
 * Ruby's plain values, as far as messages may hold them.
 *
 * Integer: `number` while it is a safe integer, `bigint` beyond. Float: always {@link RubyFloat}.
 * String: a JS `string` where its encoding is UTF-8 or US-ASCII and the bytes are valid; else {@link RubyString}.
 */
export type RubyValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | RubyFloat
  | RubyString
  | RubySymbol
  | RubyRegexp
  | RubyTime
  | RubySet
  | RubyStruct
  | RubyHash
  | readonly RubyValue[];

export class RubyFloat {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

export class RubySymbol {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

export const symbol = (name: string): RubySymbol => new RubySymbol(name);

/** A string that is not valid UTF-8 text: binary, another encoding, or broken. */
export class RubyString {
  readonly bytes: Buffer;
  /** Ruby's name of the encoding: `ASCII-8BIT` (binary), `ISO-8859-1`, `UTF-8` with broken bytes, … */
  readonly encoding: string;

  constructor(bytes: Buffer, encoding: string) {
    this.bytes = bytes;
    this.encoding = encoding;
  }
}

export class RubyRegexp {
  readonly source: string;
  /** Ruby's option bits: 1 ignore case, 2 extended, 4 multiline. */
  readonly options: number;

  constructor(source: string, options: number) {
    this.source = source;
    this.options = options;
  }
}

/** A point in time; nanoseconds since the epoch, and the offset from UTC in seconds that it was written with. */
export class RubyTime {
  readonly nanoseconds: bigint;
  /** Undefined for UTC proper. */
  readonly offset: number | undefined;

  constructor(nanoseconds: bigint, offset: number | undefined) {
    this.nanoseconds = nanoseconds;
    this.offset = offset;
  }
}

export class RubySet {
  readonly members: readonly RubyValue[];

  constructor(members: readonly RubyValue[]) {
    this.members = members;
  }
}

export class RubyStruct {
  readonly className: string;
  readonly members: readonly (readonly [name: string, value: RubyValue])[];

  constructor(className: string, members: readonly (readonly [string, RubyValue])[]) {
    this.className = className;
    this.members = members;
  }
}

/** A hash, in order. Keys are any value, so it is a list of pairs; message hashes have a dozen. */
export class RubyHash {
  readonly entries: readonly (readonly [key: RubyValue, value: RubyValue])[];

  constructor(entries: readonly (readonly [RubyValue, RubyValue])[]) {
    this.entries = entries;
  }

  /** The value under the symbol `name`; undefined where there is none. The last of equal keys counts, as in Ruby. */
  symbol(name: string): RubyValue | undefined {
    for (let i = this.entries.length - 1; i >= 0; i--) {
      const entry = this.entries[i];
      if (entry?.[0] instanceof RubySymbol && entry[0].name === name) return entry[1];
    }
    return undefined;
  }

  /** The value under the string `name`; undefined where there is none. */
  string(name: string): RubyValue | undefined {
    for (let i = this.entries.length - 1; i >= 0; i--) {
      const entry = this.entries[i];
      if (entry?.[0] === name) return entry[1];
    }
    return undefined;
  }
}

/** Keys and indices that lead to a value. */
export type Path = readonly (string | number)[];

/** How much a document may hold; exceeding any is an error, never a truncation. */
export interface RubyLimits {
  readonly maxBytes: number;
  readonly maxDepth: number;
  /** Values of any kind in the document, counted as often as they are reached. */
  readonly maxElements: number;
}

export const DEFAULT_RUBY_LIMITS: RubyLimits = {
  maxBytes: 4 * 1024 * 1024,
  maxDepth: 64,
  maxElements: 200_000,
};

export type RubyErrorCode =
  /** Not a document of this format. */
  | 'malformed'
  /** Too many bytes, levels or elements. */
  | 'limit'
  /** A value that contains itself. */
  | 'cycle'
  /** A value that the format cannot write. */
  | 'unwritable';

interface RubyErrorDetail {
  readonly offset?: number;
  readonly className?: string;
  readonly cause?: unknown;
  readonly path?: Path;
}

export class RubyError extends Error {
  override readonly name = 'RubyError';
  readonly code: RubyErrorCode;
  /** Byte offset in the document, where known. */
  readonly offset: number | undefined;
  /** The class in question, where one is. */
  readonly className: string | undefined;
  /** Keys and indices from the whole document to the value in question; empty where it is not known. */
  readonly path: Path;

  constructor(code: RubyErrorCode, message: string, detail: RubyErrorDetail = {}) {
    super(message, { cause: detail.cause });
    this.code = code;
    this.offset = detail.offset;
    this.className = detail.className;
    this.path = detail.path ?? [];
  }

  /** The same error, of a value that is inside another under this key or index. */
  at(place: string | number): RubyError {
    const { code, message, offset, className, cause } = this;
    const where = {
      ...(offset === undefined ? {} : { offset }),
      ...(className === undefined ? {} : { className }),
    };
    return new RubyError(code, message, { ...where, cause, path: [place, ...this.path] });
  }
}
