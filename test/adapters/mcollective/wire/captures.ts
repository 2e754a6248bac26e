import { execFileSync } from 'node:child_process';
import { createPublicKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  createSerializer,
  type Serializer,
  type SerializerName,
} from '../../../../src/adapters/mcollective/wire/serializer.ts';
import { DEFAULT_RUBY_LIMITS } from '../../../../src/codec/ruby/value.ts';

const FOLDER = new URL('../../../../fixtures/captures/', import.meta.url);

export const serializers: Readonly<Record<SerializerName, Serializer>> = {
  marshal: createSerializer('marshal', DEFAULT_RUBY_LIMITS),
  yaml: createSerializer('yaml', DEFAULT_RUBY_LIMITS),
};

/** A frame of the captures that carries a message. */
export interface CapturedMessage {
  readonly command: 'SEND' | 'MESSAGE';
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** Ms since the epoch. */
  readonly at: number;
}

const isText = (value: unknown): value is string => typeof value === 'string';

const readLine = (line: string): CapturedMessage | undefined => {
  const fields: Readonly<Record<string, unknown>> = JSON.parse(line);
  const { command, headers, body, at } = fields;
  if ((command !== 'SEND' && command !== 'MESSAGE') || !isText(body) || body === '') return undefined;
  const texts = Object.entries(headers ?? {}).filter((entry): entry is [string, string] => isText(entry[1]));
  return { command, headers: Object.fromEntries(texts), body: Buffer.from(body, 'base64'), at: Number(at) };
};

/** What was sent to (`SEND`, requests) or came from (`MESSAGE`, replies) the broker, in order. */
export const captured = (serializer: SerializerName): readonly CapturedMessage[] =>
  readFileSync(new URL(`legacy-${serializer}.ndjson`, FOLDER), 'utf8')
    .trim()
    .split('\n')
    .map(readLine)
    .filter((message) => message !== undefined);

export const capturedRequests = (serializer: SerializerName): readonly CapturedMessage[] =>
  captured(serializer).filter(({ command }) => command === 'SEND');

export const capturedReplies = (serializer: SerializerName): readonly CapturedMessage[] =>
  captured(serializer).filter(({ command }) => command === 'MESSAGE');

export const captureKey = (name: 'alice-public' | 'server-public'): KeyObject =>
  createPublicKey(readFileSync(new URL(`keys/legacy/${name}.pem`, FOLDER)));

/** Two documents that Ruby is to compare. */
export interface Pair {
  readonly format: SerializerName;
  readonly left: Uint8Array;
  readonly right: Uint8Array;
}

/** How Ruby finds a pair: the same, the same once symbols are text and text is UTF-8, or different. */
export type Verdict = 'equal' | 'equal as text' | 'different';

const SCRIPT = `
require 'json'; require 'yaml'; require 'set'
LOAD = { 'marshal' => ->(b) { Marshal.load(b) }, 'yaml' => ->(b) { YAML.unsafe_load(b.dup.force_encoding('UTF-8')) } }
def inside(format, hash)
  return hash unless hash.is_a?(Hash) && hash[:body].is_a?(String)
  hash.merge(:body => LOAD[format].call(hash[:body]))
end
def plain(value)
  case value
  when Symbol then value.to_s
  when String then value.encoding == Encoding::BINARY ? value : value.encode('UTF-8')
  when Array then value.map { |v| plain(v) }
  when Hash then value.to_h { |k, v| [k.is_a?(Numeric) ? k.to_s : plain(k), plain(v)] }
  else value
  end
end
verdicts = JSON.parse(STDIN.read).map do |format, left, right|
  a, b = [left, right].map { |text| inside(format, LOAD[format].call(text.unpack1('m0'))) }
  a == b ? 'equal' : plain(a) == plain(b) ? 'equal as text' : 'different'
end
print JSON.generate(verdicts)
`;

/** One Ruby process compares all pairs, message bodies as the documents that they are. */
export const compareInRuby = (pairs: readonly Pair[]): readonly Verdict[] => {
  const input = pairs.map(({ format, left, right }) => [
    format,
    Buffer.from(left).toString('base64'),
    Buffer.from(right).toString('base64'),
  ]);
  const output = execFileSync('ruby', ['-e', SCRIPT], { input: JSON.stringify(input), maxBuffer: 1 << 26 });
  const verdicts: readonly Verdict[] = JSON.parse(output.toString());
  return verdicts;
};

/** The bytes of what a Ruby expression dumps, for values that no capture holds. */
export const dumpedByRuby = (format: SerializerName, expressions: readonly string[]): readonly Buffer[] => {
  const script = `require 'set'; require 'yaml'; require 'json'
    Point = Struct.new(:x, :y)
    print JSON.generate([${expressions.map((expression) => `(${expression})`).join(',\n')}].map { |value|
      [${format === 'yaml' ? 'YAML' : 'Marshal'}.dump(value)].pack('m0') })`;
  const output = execFileSync('ruby', ['-e', script], { maxBuffer: 1 << 26 });
  const texts: readonly string[] = JSON.parse(output.toString());
  return texts.map((text) => Buffer.from(text, 'base64'));
};
