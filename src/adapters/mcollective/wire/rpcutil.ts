import { RubyHash, type RubyValue, symbol } from '../../../codec/ruby/value.ts';
import { isMap, type Value, type ValueMap } from '../../../envelope/value.ts';
import { toRuby } from './values.ts';

/** Outputs whose own hashes have symbol keys: what Process.times says, and the metadata of agents. */
const SYMBOLIC: ReadonlySet<string> = new Set(['times', 'agents']);

/**
 * The data of a reply of the agent rpcutil as mco's own applications read them (agent/rpcutil.rb): `mco inventory` looks
 * for `:times[:utime]`, and `mco facts` takes the length of each value, which numbers have not: legacy facts are text.
 */
export const rpcutilToRuby = (data: ValueMap): RubyHash =>
  new RubyHash([...data].map(([key, value]) => [symbol(key), output(key, value, data)]));

const output = (key: string, value: Value, data: ValueMap): RubyValue => {
  if (SYMBOLIC.has(key)) return symbolic(value);
  if (key === 'value' && data.has('fact') && isNumberOrBoolean(value)) return String(value);
  return toRuby(value);
};

const isNumberOrBoolean = (value: Value): value is number | bigint | boolean =>
  typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean';

const symbolic = (value: Value): RubyValue => {
  if (isMap(value)) return new RubyHash([...value].map(([key, one]) => [symbol(key), toRuby(one)]));
  return Array.isArray(value) ? value.map(symbolic) : toRuby(value);
};
