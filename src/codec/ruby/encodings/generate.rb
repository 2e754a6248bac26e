# Writes the tables of Ruby's transcoders: what each of its encodings gives as UTF-8.
#   ruby generate.rb > tables.json && node pack.mjs tables.json
# `test/wire/ruby/encodings.long.ts` compares them with the Ruby that is there.
require 'json'

# UTF-8's relatives and those with shift states are read by rules; what the rules need is found out below.
RULES = %w[UTF-8 US-ASCII ASCII-8BIT UTF-16BE UTF-16LE UTF-32BE UTF-32LE UTF-16 UTF-32 CESU-8 UTF8-MAC
           UTF8-DoCoMo UTF8-KDDI UTF8-SoftBank ISO-2022-JP CP50220 CP50221 ISO-2022-JP-KDDI].freeze

def text(bytes, encoding)
  bytes.dup.force_encoding(encoding).encode('UTF-8')
end

# Of a byte beside others: a string of ASCII alone is not converted at all.
def beside_others(byte, encoding)
  converter = Encoding::Converter.new(encoding, 'UTF-8')
  converter.convert(byte) + converter.finish
rescue Encoding::InvalidByteSequenceError, Encoding::UndefinedConversionError
  nil
end

# The text of a sequence; nil where it has none, :more where a longer one may have.
def probe(bytes, encoding)
  text(bytes, encoding)
rescue Encoding::InvalidByteSequenceError => e
  e.incomplete_input? ? :more : nil
rescue Encoding::UndefinedConversionError
  nil
end

def converter?(encoding)
  Encoding::Converter.new(encoding, 'UTF-8') && true
rescue Encoding::ConverterNotFoundError
  false
end

# A node is a hash of bytes to texts or nodes.
def node(prefix, encoding)
  (0..255).each_with_object({}) do |byte, found|
    bytes = prefix + [byte].pack('C')
    next if encoding == 'GB18030' && prefix.size == 1 && (0x30..0x39).cover?(byte)

    answer = prefix.empty? && byte < 0x80 ? beside_others(bytes, encoding) : probe(bytes, encoding)
    answer = node(bytes, encoding) if answer == :more
    found[byte] = answer if answer && !answer.empty?
  end
end

# Of the four-byte sequences, counted from 0: [first, its code point, how many follow one another].
def gb18030
  runs = []
  index = 0
  (0x81..0xfe).each do |a|
    (0x30..0x39).each do |b|
      (0x81..0xfe).each do |c|
        (0x30..0x39).each do |d|
          answer = probe([a, b, c, d].pack('C4'), 'GB18030')
          code = answer.is_a?(String) ? answer.ord : nil
          last = runs.last
          if code && last && last[0] + last[2] == index && last[1] + last[2] == code then last[2] += 1
          elsif code then runs << [index, code, 1]
          end
          index += 1
        end
      end
    end
  end
  runs
end

def code_points
  (0x80..0x10ffff).reject { |code| (0xd800..0xdfff).cover?(code) }
end

# What differs from UTF-8 itself: code point => text, empty where there is none.
def variant(encoding)
  code_points.each_with_object({}) do |code, found|
    bytes = [code].pack('U')
    answer = probe(bytes, encoding)
    answer = '' unless answer.is_a?(String)
    found[code] = answer if answer != bytes
  end
end

# Pairs that are composed, each with its result: three characters each.
def compositions
  seconds = code_points.map { |code| [code].pack('U').unicode_normalize(:nfd) }.flat_map { |one| one.chars.drop(1) }
  all = (0..0xffff).reject { |code| (0xd800..0xdfff).cover?(code) || code == 10 }.map { |code| [code].pack('U') }
  seconds.uniq.select { |char| char.ord.between?(0x80, 0xffff) }.flat_map do |second|
    lines = text(all.map { |first| "#{first}#{second}\n" }.join, 'UTF8-MAC').split("\n")
    raise 'a pair that became none' if lines.size != all.size

    all.zip(lines).filter_map { |first, line| "#{first}#{second}#{line}" if line.size == 1 }
  end.sort.join
end

# Two-byte characters behind an escape sequence, by their two bytes as one number.
def escaped(encoding, escape)
  (0x21..0x7e).to_a.product((0x21..0x7e).to_a).each_with_object({}) do |(a, b), found|
    answer = probe("#{escape}#{[a, b].pack('C2')}".b, encoding)
    (found[a] ||= {})[b] = answer if answer.is_a?(String)
  end
end

names = Encoding.list.map(&:name)
tables = (names - RULES).select { |name| converter?(name) }.to_h { |name| [name, node(''.b, name)] }
%w[ISO-2022-JP CP50221 ISO-2022-JP-KDDI].each { |name| tables["#{name} 0208"] = escaped(name, "\e$B") }
puts JSON.generate(
  ruby: RUBY_VERSION,
  names: Encoding.list.to_h { |one| [one.name, one.names - [one.name] - %w[locale external filesystem internal]] },
  dummies: Encoding.list.select { |one| !one.ascii_compatible? }.map(&:name),
  tables:, gb18030:,
  variants: %w[UTF8-DoCoMo UTF8-KDDI UTF8-SoftBank].to_h { |name| [name, variant(name)] },
  compositions:
)
