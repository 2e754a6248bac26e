import type { Cause } from '../../../envelope/port.ts';

/** @param signs whose certificate is in the requests that are signed here; undefined where all pass with their clients' own */
const certificateCause = (signs: 'callers' | 'privileged' | undefined): Cause => {
  const silences = 'some';
  const cause = 'certificate';
  if (signs === 'privileged')
    return {
      cause,
      sentence:
        'the nodes do not trust the certificate of signing, or it may not speak for these callers (plugin.choria.security.privileged_users)',
      silences,
    };
  const whose = signs === undefined ? "the client's certificate" : "the caller's certificate";
  return {
    cause,
    sentence: `the nodes do not trust ${whose}, or the caller is not on their list (plugin.choria.security.certname_whitelist)`,
    silences,
  };
};

/**
 * Why nodes may say nothing, in the order in which it is the cause. They log what they do not believe and drop it, each by
 * itself (go-choria's server/message and filesec).
 */
export const choriaCauses = (signs: 'callers' | 'privileged' | undefined): readonly Cause[] => [
  certificateCause(signs),
  { cause: 'collective', sentence: 'they are not in that sub-collective (collectives)', silences: 'all' },
  {
    cause: 'clock',
    sentence: "their clocks and the sender's differ by more than the request's ttl",
    silences: 'some',
  },
  {
    cause: 'protocol',
    sentence: 'they answer in protocol 2, which is not translated',
    silences: 'none',
    codes: ['wrong_protocol'],
  },
  {
    cause: 'nodes',
    sentence: 'none of them runs and is connected to this network of NATS servers',
    silences: 'all',
  },
];
