# Dumps values of classes that are no plain data, with what Ruby's own JSON makes of them: a JSON list on stdout.
require 'bigdecimal'
require 'date'
require 'ipaddr'
require 'json'
require 'ostruct'
require 'pathname'
require 'psych'
require 'set'
require 'uri'

class Words < Array; end
class Title < String; end
class Settings < Hash; end
class Tags < Set; end
class Moment < Time; end
class Broken < StandardError; end
class Named; def initialize(name) = @name = name; end
class Owner; def initialize; @mesg = 'not an exception'; @items = [self]; end; end
module Loud; end

def with_variable(value)
  value.instance_variable_set(:@note, 1)
  value
end

def raised
  yield
rescue StandardError => e
  e
end

identity = {}.compare_by_identity
identity['a'.dup] = 1
identity['b'.dup] = [2]

VALUES = {
  'a String' => Title.new('é'), 'a String with a variable' => with_variable(Title.new('a')),
  'a String of binary' => Title.new("\xff".b),
  'an Array' => Words.new(['a', 1]), 'an Array with a variable' => with_variable(Words.new([1])),
  'a Hash' => Settings[a: 1, 'b' => nil], 'a Hash with a variable' => with_variable(Settings[a: 1]),
  'compare_by_identity' => identity, 'an extended String' => 'abc'.dup.extend(Loud),
  'an extended Array' => [1].extend(Loud), 'an extended subclass' => Title.new('x').extend(Loud),
  'Date' => Date.new(2020, 1, 2), 'Date, Julian' => Date.new(1500, 2, 29), 'Date, BC' => Date.new(-44, 3, 15),
  'Date, far' => Date.new(123_456, 1, 1), 'Date, other calendar' => Date.new(1900, 3, 1, Date::JULIAN),
  'Date, proleptic' => Date.new(1000, 1, 1, Date::GREGORIAN),
  'DateTime' => DateTime.new(2020, 1, 2, 3, 4, 5.5, '+02:00'), 'DateTime, west' => DateTime.new(2020, 1, 1, 1, 0, 0, '-09:30'),
  'BigDecimal' => BigDecimal('1.5'), 'BigDecimal, long' => BigDecimal('-12345678901234567890.123456789'),
  'BigDecimal, NaN' => BigDecimal('NaN'), 'BigDecimal, 0' => BigDecimal('-0'), 'BigDecimal, ∞' => BigDecimal('-Infinity'),
  'Pathname' => Pathname.new('/etc/é'), 'Rational' => Rational(-1, 3), 'Rational, big' => Rational(2**80, 3),
  'Complex' => Complex(1, -2.5), 'Complex, rational' => Complex(Rational(1, 2), 3), 'Complex, ∞' => Complex(0.0, Float::INFINITY),
  'Range' => (1..3), 'Range, open' => (1..), 'Range, exclusive' => ('a'...'c'), 'Range of floats' => (1.5..1e20),
  'IPAddr, zone' => IPAddr.new('fe80::1%eth0'), 'URI, FTP' => URI('ftp://h/p;type=a'), 'URI, IPv6' => URI('http://[::1]:81/'),
  'DateTime, far' => DateTime.new(10_000, 1, 2, 3, 4, 5, '+02:00'), 'an empty OpenStruct' => OpenStruct.new,
  'an exception with a number' => RuntimeError.new(5), 'an exception with a symbol' => RuntimeError.new(:s),
  'URI' => URI('http://u:p@example.net:8080/x?y=1#z'), 'URI, usual port' => URI('https://example.net'),
  'URI, mail' => URI('mailto:a@example.net'), 'URI, file' => URI('file:///etc/hosts'), 'URI, relative' => URI('a/b?c'),
  'IPAddr' => IPAddr.new('10.1.2.0/24'), 'IPAddr, 6' => IPAddr.new('2001:db8::1:0:0:1'), 'IPAddr, mapped' => IPAddr.new('::ffff:1.2.3.4'),
  'IPAddr, none' => IPAddr.new('::'), 'Gem::Version' => Gem::Version.new('1.2.rc1'),
  'an exception' => RuntimeError.new('no'), 'an exception without a sentence' => Broken.new,
  'an exception that was raised' => raised { raise Broken, 'because' }, 'Errno' => Errno::ENOENT.new('f'),
  'a class' => String, 'a module' => Kernel, 'a class within' => File::Stat, 'Encoding' => Encoding::UTF_8,
  'a Struct with keywords' => Struct.new('Pt', :x, keyword_init: true).new(x: 1),
  'OpenStruct' => OpenStruct.new(a: 1, 'b' => [Date.new(2020, 1, 1)]), 'a Set' => Tags.new([1, :b]),
  'a Time' => Moment.at(0, 500, :millisecond).utc, 'an object' => Named.new('x'), 'an object without variables' => Object.new,
  'an object that knows itself' => Owner.new, 'a Range of dates' => (Date.new(2020, 1, 1)..Date.new(2020, 1, 2))
}.freeze

puts JSON.generate(
  VALUES.map do |name, value|
    { name:, marshal: [Marshal.dump(value)].pack('m0'), yaml: [Psych.dump(value)].pack('m0'),
      json: (JSON.generate(value) rescue nil) }
  end
)
