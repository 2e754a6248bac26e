# Answers, one line a case, what MCollective's own `validate_filter?` says of the filters of standard input on a node:
# true, false, or the class of what it raises. A compound filter that is a text is parsed as `mco -S` does.
require 'json'
require 'tempfile'
require 'mcollective'

module MCollective
  NODE = JSON.parse(File.read(ARGV[0]))
  classes = Tempfile.new('classes')
  classes.write(NODE['classes'].map { |name| "#{name}\n" }.join)
  classes.close

  config = Config.instance
  config.set_config_defaults('')
  config.instance_variable_set(:@identity, NODE['identity'])
  config.instance_variable_set(:@classesfile, classes.path)
  config.instance_variable_set(:@color, false)

  class Stats
    def passed; end

    def filtered; end
  end

  class Known < Facts::Base
    def load_facts_from_source
      NODE['facts']
    end
  end

  class Security::Checked < Security::Base
    def initialize
      @stats = Stats.new
    end
  end

  class Logless
    def method_missing(*); end

    def respond_to_missing?(*)
      true
    end
  end

  Log.configure(Logless.new)
  def Agents.agentlist
    NODE['agents']
  end
  NODE['data'].each do |name, queries|
    Data.define_singleton_method(name) do |query|
      found = queries[query] || {}
      result = Data::Result.new(found.transform_values { |value| { :default => value } }.transform_keys(&:to_sym))
      result
    end
  end

  # As Choria's security plugin hands it over: JSON, with symbols in fact filters.
  def self.received(filter)
    filter = JSON.parse(JSON.generate(filter))
    facts = filter['fact'] || []
    filter['fact'] = facts.map { |fact| fact.transform_keys(&:to_sym) } if filter.include?('fact')
    filter
  end

  security = Security::Checked.new
  STDIN.each_line do |line|
    filter = JSON.parse(line)
    begin
      if filter['compound']
        filter['compound'] = filter['compound'].map do |one|
          one.is_a?(String) ? Matcher.create_compound_callstack(one) : one
        end
      end
      filter = received(filter)
    rescue StandardError => e
      puts JSON.generate('unparsed' => e.message)
      next
    end
    begin
      verdict = security.validate_filter?(filter)
    rescue Exception => e
      verdict = e.class.to_s
    end
    puts JSON.generate('filter' => filter, 'verdict' => verdict)
  end
end
