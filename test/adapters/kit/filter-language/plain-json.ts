import { RubyHash, RubySymbol, type RubyValue } from '../../../../src/codec/ruby/value.ts';

/** What JSON has for a value of Ruby's; symbols are texts. */
export const json = (value: RubyValue): unknown => {
  if (value instanceof RubySymbol) return value.name;
  if (Array.isArray(value)) return value.map(json);
  if (!(value instanceof RubyHash)) return value;
  return Object.fromEntries(value.entries.map(([key, one]) => [json(key), json(one)]));
};
