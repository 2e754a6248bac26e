# Decides as the two Ruby implementations of ActionPolicy do, for tests: one case of JSON a line in, one verdict a line out.
# Facts and classes are judged by MCollective's own matcher. A case with a pattern alone asks whether Ruby finds it.
Encoding.default_external = Encoding::UTF_8
$VERBOSE = nil
require "json"
require "mcollective"

RULE = /^(allow|deny)\t+(.+?)\t+(.+?)\t+(.+?)(\t+(.+?))*$/
COMPARISON = /(.+)(<|>|=|<=|>=)(.+)/
YES = /^1|y/i

class Node
  def initialize(facts, classes)
    @facts = facts
    @classes = classes
  end

  def token?(text, as)
    name, operator, value = text.match(COMPARISON)&.captures
    return as != :fact && class?(text) if name.nil?
    return false if as == :class

    operator = "==" if operator == "="
    eval("'#{@facts[name]}'#{operator}'#{value}'")
  end

  def class?(name)
    return @classes.include?(name) unless name.start_with?("/")

    pattern = Regexp.new(name.delete("/"))
    @classes.any? { |it| it.match(pattern) }
  end

  def list?(text, as)
    return true if text == "*"
    return compound?(text) if text.split.any? { |word| word =~ /^!|^not$|^or$|^and$|\(.+\)/ }

    text.split.all? { |word| token?(word, as) }
  end

  def compound?(text)
    stack = MCollective::Matcher.create_compound_callstack(text)
    values = begin
      stack.map { |item| item.key?("statement") ? token?(item["statement"], :any) : item.values.first }
    rescue StandardError
      return false
    end
    eval(values.join(" "))
  end

  def has?(facts, classes)
    classes ? list?(facts, :fact) && list?(classes, :class) : compound?(facts)
  end
end

class Folder
  def initialize(files, options, dialect)
    @files = files
    @options = options
    @dialect = dialect
    @open = !!(options.fetch("allow_unconfigured", "n") =~ YES)
  end

  def policy(agent)
    names = ["policies/#{agent}.policy"]
    names << "policies/#{@options.fetch("default_name", "default")}.policy" if @options.fetch("enable_default", "n") =~ YES
    @files[names.find { |name| @files.key?(name) }]
  end

  def groups
    lines = @files.fetch("policies/groups", "").each_line.reject { |line| line =~ /^(#.*|\s*)$/ }
    lines.map(&:split).select { |name, *ids| name =~ /^[\w.\-]+$/ && !ids.empty? }.to_h { |name, *ids| [name, ids] }
  end

  def caller?(field, name)
    return true if field == "*"

    words = field.split
    return true if @dialect == "puppet" ? field.include?(name) : words.any? { |word| word?(word, name) }

    words.any? { |word| groups.fetch(word, []).include?(name) }
  end

  def word?(word, name)
    word == name || (word =~ %r{^/.+/$} && Regexp.new(word[1..-2]).match?(name))
  end

  def allows?(request, node)
    text = policy(request["agent"])
    return @open if text.nil?

    last = @open
    text.each_line do |line|
      next if line =~ /^(#.*|\s*)$/

      if line =~ /^policy\s+default\s+(\w+)/
        last = Regexp.last_match(1) == "allow"
      elsif line =~ RULE
        verdict, callers, actions, facts, _, classes = Regexp.last_match.captures
        next unless caller?(callers, request["caller"])
        next unless actions == "*" || actions.split.include?(request["action"])
        return verdict == "allow" if node.has?(facts, classes)
      end
    end
    last
  end
end

def pattern_verdict(pattern, name)
  Regexp.new(pattern).match?(name) ? "yes" : "no"
rescue RegexpError
  "broken"
end

def verdict(item)
  folder = Folder.new(item["files"], item["options"], item["dialect"])
  folder.allows?(item["request"], Node.new(item["facts"], item["classes"])) ? "allow" : "deny"
rescue StandardError, ScriptError
  "error"
end

$stdin.each_line do |line|
  item = JSON.parse(line)
  puts item.key?("pattern") ? pattern_verdict(item["pattern"], item["name"]) : verdict(item)
end
