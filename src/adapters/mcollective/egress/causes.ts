import type { Cause } from '../../../envelope/port.ts';
import { DISCOVERY_CALLER } from './discovery.ts';
import type { McollectiveStompEgressOptions } from './options.ts';

/**
 * Why daemons may say nothing, in the order in which it is the cause. None of them tells the sender: what they cannot read
 * or do not believe they log (see docs/troubleshooting.md) and drop (mcollective's runner.rb, security/ssl.rb, message.rb).
 */
export const mcollectiveCauses = ({
  config,
  signers: { shared },
}: Pick<McollectiveStompEgressOptions, 'config' | 'signers'>): readonly Cause[] => {
  const { serializer, base64, agentsMultiplex } = config;
  const { caller = DISCOVERY_CALLER } = config.discovery;
  const whose =
    shared === undefined
      ? `the caller (of ${caller}, where the bridge itself asks)`
      : `${shared}, who signs all`;
  return [
    {
      cause: 'serializer',
      sentence: `the daemons read another form than ${serializer} ${base64 ? 'in' : 'without'} base64 (plugin.ssl_serializer, plugin.activemq.base64)`,
      silences: 'all',
      codes: ['malformed_marshal', 'malformed_yaml', 'malformed_base64', 'wrong_protocol', 'missing_field'],
    },
    {
      cause: 'key',
      sentence: `they do not have the public key of ${whose} (plugin.ssl_client_cert_dir)`,
      silences: shared === undefined ? 'some' : 'all',
    },
    {
      cause: 'collective',
      sentence: `they are not in that collective (collectives), or ${agentsMultiplex ? 'do not share one topic' : 'share one topic'} (plugin.activemq.agents_multiplex)`,
      silences: 'all',
    },
    {
      cause: 'clock',
      sentence: "their clocks and the sender's differ by more than the request's ttl",
      silences: 'some',
    },
    {
      cause: 'server_key',
      sentence: 'server_public_key does not hold the public half of their plugin.ssl_server_private',
      silences: 'none',
      codes: ['invalid_signature'],
    },
    { cause: 'nodes', sentence: 'none of them runs and is connected to this broker', silences: 'all' },
  ];
};
