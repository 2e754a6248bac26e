/**
 * Marshal 4.8, the bytes that Ruby has written since 1.8. Source: Ruby's `doc/marshal.rdoc` and `marshal.c`.
 */
export const MAJOR = 4;
export const MINOR = 8;

/** The byte that says what follows. */
export const TYPE = {
  nil: 0x30,
  true: 0x54,
  false: 0x46,
  fixnum: 0x69,
  bignum: 0x6c,
  float: 0x66,
  string: 0x22,
  symbol: 0x3a,
  symbolLink: 0x3b,
  array: 0x5b,
  hash: 0x7b,
  hashWithDefault: 0x7d,
  link: 0x40,
  regexp: 0x2f,
  struct: 0x53,
  object: 0x6f,
  /** An object whose class has `_dump`, such as Time. */
  userDefined: 0x75,
  /** An object whose class has `marshal_dump`, such as Rational. */
  userMarshal: 0x55,
  /** A subclass of String, Array, Hash or Regexp. */
  userClass: 0x43,
  extended: 0x65,
  class: 0x63,
  module: 0x6d,
  classOrModule: 0x4d,
  data: 0x64,
  /** What follows has instance variables; a string's encoding is one. */
  ivars: 0x49,
} as const;

/** Ruby's option bit of a regular expression whose source is bound to its encoding. */
export const REGEXP_FIXED_ENCODING = 16;
export const REGEXP_OPTIONS = 7;

/** Above this an integer is written as a bignum, also where Ruby itself holds it in a machine word. */
export const FIXNUM_MAX = 2 ** 30 - 1;
export const FIXNUM_MIN = -(2 ** 30);

/**
 * No deeper, whatever the limits say, so that recursion ends long before the stack does. Running out of it is not
 * always an exception: V8 aborts the process when a regular expression is compiled on the last bytes of the stack.
 */
export const MAX_LEVELS = 256;
