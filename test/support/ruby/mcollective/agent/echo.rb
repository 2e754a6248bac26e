module MCollective
  module Agent
    # Answers with every plain Ruby type, and fails in every way there is.
    class Echo < RPC::Agent
      # A class that nobody else knows.
      class Custom
        def initialize(name)
          @name = name
        end
      end

      # The reply of the recorded messages.
      action 'types' do
        same = 'same'
        reply[:echoed] = request[:value]
        reply[:values] = {
          'int' => 42,
          'neg' => -7,
          'big' => 2**70,
          'float' => 3.25,
          'inf' => Float::INFINITY,
          'nil' => nil,
          'true' => true,
          'false' => false,
          'string' => 'héllo ✓',
          'latin1' => 'café'.encode('ISO-8859-1'),
          'binary' => [0, 255, 1, 254, 128].pack('C*'),
          'symbol' => :sym,
          'array' => [1, [2, [3]], {}],
          'hash' => { :a => 1, 'b' => { :c => [nil] } },
          'empty' => '',
          'shared' => [same, same],
          'int_key' => { 1 => 'one' },
          'multiline' => "a\nb\n",
          'yamlish' => 'yes',
          'date' => '2020-01-01',
          'numstr' => '007'
        }
      end

      # What it was given, as text that shows each value's class, so that a test sees what Ruby saw.
      action 'echo' do
        given = request.data.reject { |key, _| key.to_s == 'process_results' }
        reply[:value] = request[:value]
        reply[:seen] = describe(given)
      end

      action 'fail' do
        reply[:done] = 'before it failed'
        reply.fail!("failed with #{request[:code]}", request[:code])
      end

      action 'object' do
        reply[:value] = Custom.new('not plain')
      end

      # Which JSON has no words for.
      action 'clash' do
        reply[:value] = { :list => [0, { :a => 1, 'a' => 2 }] }
      end

      action 'slow' do
        sleep(request[:seconds])
        reply[:slept] = request[:seconds]
      end

      private

      def describe(value)
        case value
        when Hash
          "{#{value.map { |k, v| "#{describe(k)}=>#{describe(v)}" }.join(',')}}"
        when Array
          "[#{value.map { |v| describe(v) }.join(',')}]"
        when String
          "String(#{value.encoding},#{value.inspect})"
        else
          "#{value.class}(#{value.inspect})"
        end
      end
    end
  end
end
