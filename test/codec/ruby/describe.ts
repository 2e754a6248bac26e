import {
  RubyFloat,
  RubyHash,
  RubyRegexp,
  RubySet,
  RubyString,
  RubyStruct,
  RubySymbol,
  RubyTime,
  type RubyValue,
} from '../../../src/codec/ruby/index.ts';

/** A value as JSON, the same as `describe` in peer.rb writes it. */
export type Description = string | number | boolean | null | readonly Description[];

const base64 = (text: string): string => Buffer.from(text).toString('base64');

const bits = (value: number): string => {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return Number.isNaN(value) ? 'nan' : bytes.toString('hex');
};

export const describeValue = (value: RubyValue): Description => {
  if (value === null) return ['nil'];
  if (typeof value === 'boolean') return ['bool', value];
  if (typeof value === 'number' || typeof value === 'bigint') return ['int', value.toString()];
  if (typeof value === 'string') return ['text', base64(value)];
  if (value instanceof RubyFloat) return ['float', bits(value.value)];
  if (value instanceof RubySymbol) return ['sym', base64(value.name)];
  if (value instanceof RubyString) return ['str', value.encoding, value.bytes.toString('base64')];
  if (value instanceof RubyRegexp) return ['regexp', base64(value.source), value.options];
  if (value instanceof RubyTime) return ['time', value.nanoseconds.toString(), value.offset ?? null];
  if (value instanceof RubySet) return ['set', value.members.map(describeValue)];
  if (value instanceof RubyStruct)
    return ['struct', value.className, value.members.map(([name, member]) => [name, describeValue(member)])];
  if (value instanceof RubyHash)
    return ['hash', value.entries.map(([key, member]) => [describeValue(key), describeValue(member)])];
  return ['array', value.map(describeValue)];
};
