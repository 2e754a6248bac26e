import { execFileSync } from 'node:child_process';
import type { Token } from '../../../../src/adapters/kit/filter-language/tokens.ts';

/** What a node is asked about; facts are JSON, as Go nodes have them, of which a legacy daemon makes texts. */
export interface Node {
  readonly identity?: string;
  readonly facts: Readonly<Record<string, unknown>>;
  readonly classes: readonly string[];
  readonly agents: readonly string[];
  readonly data?: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, unknown>>>>>>;
}

/**
 * MCollective's own parser, matcher and `validate_filter?`, over nodes that are given to them. Regular expressions of
 * functions are written as Ruby's JSON does.
 */
const SCRIPT = `
require 'json'; require 'mcollective'; require 'mcollective/data/fact_data'
include MCollective
Log.instance_variable_set(:@configured, true) rescue nil
module MCollective; class Log; class << self; %w[debug info warn error].each { |l| define_method(l) { |*a| } }; end; end; end
$node = nil
NORMAL = Facts::Base.allocate
def facts; NORMAL.send(:normalize_facts, $node['facts']); end
module MCollective::Facts; def self.[](name); facts.include?(name) ? facts[name] : nil; end; def self.facts; Object.new.send(:facts); end; end
class MCollective::Config
  def classesfile; 'the classes of the node'; end
  def identity; $node['identity']; end
end
def (MCollective::Agents).agentlist; $node['agents']; end
class << File
  alias_method :read_lines_of_files, :readlines
  def readlines(name, *more)
    name == 'the classes of the node' ? $node['classes'].map { |c| c + "\\n" } : read_lines_of_files(name, *more)
  end
end
module MCollective::PluginManager; class << self
  alias_method :other, :[]
  def [](name); name == 'facts_plugin' ? Struct.new(:get_facts).new(Object.new.send(:facts)) : other(name); end
end; end
module MCollective::Data
  def self.fact(path)
    plugin = Fact_data.allocate
    plugin.instance_variable_set(:@result, Result.new({:exists => {}, :value => {}, :value_encoding => {}}))
    plugin.define_singleton_method(:result) { @result }
    plugin.query_data(path)
    plugin.result
  end
  def self.method_missing(name, *args)
    plugin = ($node['data'] || {})[name.to_s]
    super if plugin.nil?
    outputs = plugin[args.first.to_s] || {}
    outputs.each_with_object(Result.new({})) { |(key, value), result| result[key] = value }
  end
end
BASE = Security::Base.allocate
BASE.instance_variable_set(:@stats, Class.new { def method_missing(*a); end }.new)
def holds(filter)
  BASE.validate_filter?(filter) ? true : false
rescue Exception
  false
end
input = JSON.parse(STDIN.read)
output = input['cases'].map do |given|
  if (ruby = given['ruby'])
    next {'truths' => input['nodes'].map { |node| $node = node; holds(eval(ruby)) }}
  end
  if (filter = given['filter'])
    filter = filter.merge('fact' => filter['fact'].map { |fact| fact.transform_keys(&:to_sym) })
    next {'truths' => input['nodes'].map { |node| $node = node; holds(filter) }}
  end
  tokens = given['tokens']
  begin
    tokens ||= Matcher.create_compound_callstack(given['text'])
  rescue Exception => e
    next {'error' => e.to_s}
  end
  {'tokens' => tokens, 'truths' => input['nodes'].map { |node| $node = node; holds({'compound' => [tokens]}) }}
end
print JSON.generate(output)
`;

export interface Case {
  /** What a person writes behind \`-S\`. */
  readonly text?: string;
  readonly tokens?: readonly unknown[];
  /** A whole filter, as in JSON. */
  readonly filter?: object;
  /** A whole filter, in Ruby. */
  readonly ruby?: string;
}

export interface Answer {
  /** That MCollective's parser does not take the text. */
  readonly error?: string;
  /** Of what was given as text or tokens. */
  readonly tokens: readonly Readonly<Record<string, unknown>>[];
  /** Of each node; false also where the daemon fails. */
  readonly truths: readonly boolean[];
}

/** One Ruby process for all. */
export const askRuby = (cases: readonly Case[], nodes: readonly Node[]): readonly Answer[] => {
  const input = JSON.stringify({ cases, nodes });
  const output = execFileSync('ruby', ['-W0', '-e', SCRIPT], { input, maxBuffer: 1 << 28 });
  const answers: readonly Answer[] = JSON.parse(output.toString());
  return answers;
};

/** As JSON has them. */
export const rawTokens = (tokens: readonly Token[]): readonly Readonly<Record<string, unknown>>[] =>
  tokens.map((token) => {
    if (token.kind === 'statement') return { statement: token.text };
    if (token.kind !== 'function') return { [token.kind]: token.kind };
    const { compare, ...call } = token.call;
    return { fstatement: { ...call, r_compare: compare } };
  });
