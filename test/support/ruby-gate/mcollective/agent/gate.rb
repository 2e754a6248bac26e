module MCollective
  module Agent
    # Keeps a request in flight for as long as a test wants.
    class Gate < RPC::Agent
      action 'wait' do
        File.write("#{request[:file]}.begun", '')
        sleep 0.05 until File.exist?(request[:file])
        reply[:done] = true
      end
    end
  end
end
