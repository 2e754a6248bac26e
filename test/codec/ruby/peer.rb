# Real Ruby behind a line protocol: a JSON request a line on stdin, a JSON answer a line on stdout.
# Values travel as descriptions: a JSON list whose first element names the kind.
require 'bigdecimal'
require 'date'
require 'digest'
require 'json'
require 'psych'
require 'set'

CLASSES = [Symbol, Regexp, Time, Set, Struct].freeze
Pair = Struct.new(:left, :right)
class Title < String; end
class Words < Array; end
class Settings < Hash; end
class Named; end
module Fleet
  Node = Struct.new(:name, :facts)
end

def pack(bytes)
  [bytes.b].pack('m0')
end

def unpack(text, encoding)
  text.unpack1('m0').force_encoding(encoding)
end

def describe(value)
  case value
  when nil then ['nil']
  when true, false then ['bool', value]
  when Integer then ['int', value.to_s]
  when Float then ['float', value.nan? ? 'nan' : [value].pack('G').unpack1('H*')]
  when Symbol then ['sym', pack(value.to_s.encode('UTF-8'))]
  when String
    text = [Encoding::UTF_8, Encoding::US_ASCII].include?(value.encoding) && value.valid_encoding?
    text ? ['text', pack(value)] : ['str', value.encoding.name, pack(value)]
  when Regexp then ['regexp', pack(value.source.encode('UTF-8')), value.options & 7]
  # In the zone of the reader, which is UTC here, where it was written without one.
  when Time then ['time', (value.to_r * 1_000_000_000).floor.to_s, value.zone ? nil : value.utc_offset]
  when Set then ['set', value.map { |member| describe(member) }]
  when Struct then ['struct', value.class.name.to_s, value.each_pair.map { |name, member| [name.to_s, describe(member)] }]
  when Array then ['array', value.map { |member| describe(member) }]
  when Hash then ['hash', value.map { |key, member| [describe(key), describe(member)] }]
  else raise TypeError, value.class.name
  end
end

# What docs/values.md says of classes that are none of the value model: `to_s`, or the variables.
def plain(value)
  case value
  when Date, BigDecimal, Rational, Complex, Module, Encoding then text(value.to_s)
  when Range then scalars?(value) ? text(value.to_s) : plain({ 'begin' => value.begin, 'end' => value.end, 'excl' => value.exclude_end? })
  when Exception then sentence(value)
  when Set then ['set', value.map { |member| plain(member) }]
  when Struct then ['struct', value.class.name.to_s, value.each_pair.map { |name, member| [name.to_s, plain(member)] }]
  when Array then ['array', value.map { |member| plain(member) }]
  when Hash then ['hash', value.map { |key, member| [plain(key), plain(member)] }]
  when nil, true, false, Integer, Float, Symbol, String, Regexp, Time then describe(value)
  else
    names = value.instance_variables
    return text("#<#{value.class}>") if names.empty?

    ['hash', names.map { |name| [text(name.to_s.delete_prefix('@')), plain(value.instance_variable_get(name))] }]
  end
end

def text(string)
  ['text', pack(string.encode('UTF-8'))]
end

# Of a list or hash, `inspect` is not what a client wants.
def sentence(exception)
  raise ArgumentError, 'an exception with more than a sentence' if exception.to_s.start_with?('[', '{', '#')

  text(exception.to_s)
end

def scalars?(range)
  [range.begin, range.end].all? { |one| one.is_a?(Range) ? scalars?(one) : [nil, true, false, Numeric, String, Symbol, Date, Exception, Module, Encoding].any? { |kind| kind === one } }
end

def build(description)
  kind, first, second = description
  case kind
  when 'nil' then nil
  when 'bool' then first
  when 'int' then Integer(first, 10)
  when 'float' then first == 'nan' ? Float::NAN : [first].pack('H*').unpack1('G')
  when 'sym' then unpack(first, 'UTF-8').to_sym
  when 'text' then unpack(first, 'UTF-8')
  when 'str' then unpack(second, first)
  when 'regexp' then Regexp.new(unpack(first, 'UTF-8'), second)
  when 'set' then Set.new(first.map { |member| build(member) })
  when 'struct' then Object.const_get(first).new(*second.map { |_, member| build(member) })
  when 'array' then first.map { |member| build(member) }
  when 'hash' then first.to_h { |key, member| [build(key), build(member)] }
  else raise ArgumentError, kind
  end
end

# Random values as agents answer with, some objects more than once.
class Generator
  WORDS = ['', 'ping', 'état', 'a b', "line\nline\n", "tab\there", 'yes', 'no', '~', 'null', '1', '0x1f', '1:30', ':sym',
           '2020-01-01', '2020-01-01 10:00:00 Z', '- a', 'a: b', '#c', "it's", '"q"', '%', '@', '`', '{', '!tag', '&a',
           '*a', '<<', '=', '1_000', '1,000', '.5', '.inf', '.nan', '日本', "\u{1f600}", "\0\e", 'x' * 300, ' lead',
           'trail ', "\n", "a\n\nb", "\ta\n b", 'y', 'n', '08', '0o17', '1e5', '1.5e3', "a\r\nb", "\u2028", "\u0085", "a\u2028b", "- \u2029x\n\u2028 y", "a\u2029 b\n c", "\u2028\u2028 z",
           "\ufeff"].freeze
  ENCODINGS = %w[ISO-8859-1 ISO-8859-15 UTF-16LE UTF-16BE EUC-JP Shift_JIS Windows-1252 ASCII-8BIT US-ASCII].freeze

  def initialize(seed, marshal)
    @random = Random.new(seed)
    @marshal = marshal
    @known = []
  end

  def pick(list)
    list[@random.rand(list.size)]
  end

  def string
    case @random.rand(5)
    when 0 then pick(WORDS).dup
    when 1 then @random.bytes(@random.rand(40))
    when 2 then @marshal ? pick(%w[a é é日]).encode('UTF-8').force_encoding(pick(ENCODINGS)) : 'é'.encode('ISO-8859-1')
    when 3 then Array.new(@random.rand(12)) { pick(%w[a b é : - # ' " , \  ] + ["\n", ' ', "\\"]) }.join
    else 'text'.encode(pick(%w[UTF-8 US-ASCII]))
    end
  end

  def integer
    base = 2**pick([0, 6, 7, 8, 15, 16, 23, 24, 29, 30, 31, 32, 47, 52, 53, 61, 62, 63, 64, 100, 500])
    (base + @random.rand(5) - 2) * pick([1, -1])
  end

  def float
    case @random.rand(4)
    when 0 then pick([0.0, -0.0, 1.0, 1.5, 0.1, 1e22, 1e-7, 5e-324, Float::MAX, Float::INFINITY, -Float::INFINITY, Float::NAN])
    when 1 then @random.rand
    when 2 then [@random.bytes(8)].first.unpack1('G')
    else @random.rand(1000) / 8.0
    end
  end

  def time
    nanoseconds = @random.rand(4_000_000_000) * 1_000_000_000 + pick([0, 1, 999, 123_000, 123_456_789, 500_000_000])
    time = Time.at(0, nanoseconds * pick([1, 1, -1]), :nsec)
    @random.rand(2).zero? ? time.utc : time.getlocal(pick(['+02:00', '-03:30', '+05:45', '+00:00']))
  end

  def symbol
    pick([:body, :ttl, :a, :é, :'a b', :'a:b', :[]=, :'1', :'', :E, :encoding, :"x\ny", :'日本', :yes, :fact, :'a"b',
          :"s#{@random.rand(40)}"])
  end

  def scalar
    case @random.rand(12)
    when 0 then nil
    when 1 then @random.rand(2).zero?
    when 2, 3 then integer
    when 4 then float
    when 5 then symbol
    when 6 then time
    when 7 then pick([/a/, /é/i, /a b # c/mx, %r{a/b}, /\d+\s*$/, /a/n, /日|本/])
    else string
    end
  end

  def value(depth = 0)
    return pick(@known) if !@known.empty? && @random.rand(8).zero?

    made = depth > 4 || @random.rand(3).zero? ? scalar : collection(depth + 1)
    @known << made
    made
  end

  def collection(depth)
    case @random.rand(8)
    when 0 then Set.new(Array.new(@random.rand(4)) { scalar })
    when 1 then pick([Pair, Fleet::Node]).new(value(depth), value(depth))
    when 2, 3 then Array.new(@random.rand(5)) { value(depth) }
    when 4 then @marshal ? Hash.new(pick([nil, 0, 'none'])).merge({ a: value(depth) }) : { a: value(depth) }
    else Array.new(@random.rand(5)) { [@random.rand(4).zero? ? value(depth) : pick([symbol, string, integer]), value(depth)] }.to_h
    end
  end

end

def load(format, bytes)
  return Marshal.load(bytes) if format == 'marshal'

  Psych.safe_load(bytes, permitted_classes: CLASSES + [Pair, Fleet::Node], aliases: true)
end

# As MCollective 2.12.5 does (security/ssl.rb); its positional argument is this keyword in Psych 4.
def daemon_load(bytes)
  Psych.safe_load(bytes, permitted_classes: [Symbol, Regexp])
end

# To its own encoding Ruby converts nothing, and says nothing of what is broken.
def to_utf8(bytes, encoding)
  text = bytes.dup.force_encoding(encoding).encode('UTF-8')
  text.valid_encoding? ? text : nil
rescue EncodingError
  nil
end

BYTES = (0..255).map { |byte| [byte].pack('C') }.freeze

# Of all sequences with one or two bytes more, which are too many to send.
def digest_of_all(prefix, more, encoding)
  all = more == 1 ? BYTES : BYTES.product(BYTES).map(&:join)
  texts = all.map { |bytes| to_utf8(prefix + bytes, encoding) }
  Digest::SHA256.hexdigest(texts.map { |text| text ? "#{text}\u0001" : "\u0002" }.join)
end

# A Time without zone is Psych's in the zone of the reader; ours is UTC.
ENV['TZ'] = 'UTC'
$stdout.sync = true
$VERBOSE = nil

$stdin.each_line do |line|
  request = JSON.parse(line)
  format = request['format']
  bytes = request['document']&.unpack1('m0')
  answer =
    begin
      JSON.generate(case request['op']
      when 'load' then { value: describe(load(format, bytes)) }
      when 'plain' then { value: plain(Psych.unsafe_load(bytes)) }
      when 'daemon' then { value: describe(daemon_load(bytes)) }
      when 'equal' then { value: load(format, bytes) == load(format, request['other'].unpack1('m0')) }
      when 'encodings' then { names: Encoding.list.to_h { |one| [one.name, one.names - %w[locale external filesystem internal]] } }
      when 'encode' then { texts: request['strings'].map { |one| to_utf8(one.unpack1('m0'), request['encoding']) } }
      when 'digest' then { digest: digest_of_all(request['prefix'].unpack1('m0'), request['more'], request['encoding']) }
      when 'dump' then { document: pack(Marshal.dump(build(request['value']))) }
      when 'generate'
        value = Generator.new(request['seed'], format == 'marshal').value
        document = format == 'marshal' ? Marshal.dump(value) : Psych.dump(value)
        # What Ruby itself reads there: Psych does not read back everything that it writes.
        { document: pack(document), value: describe(load(format, document.b)) }
      else raise ArgumentError, request['op']
      end)
    rescue StandardError, SystemStackError, NotImplementedError => e
      JSON.generate({ error: e.class.name, message: e.message.dup.force_encoding('UTF-8').scrub })
    end
  puts answer
end
