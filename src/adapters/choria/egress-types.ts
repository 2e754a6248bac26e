import { parseSeconds } from '../../config/units.ts';
import { defineEgress, type Fault, type RawAdapterContext, type RawEntry } from '../adapter-type.ts';
import { ANY_NATS_SERVER } from '../kit/nats/config.ts';
import { collectiveEgressAdapter } from './collective-egress-adapter.ts';
import { choriaCollective } from './collective-egress-config.ts';
import { CHORIA_FORMAT } from './names.ts';
import { REPLY_PATH } from './reply-path.ts';

/** What is translated takes a signature. */
const checkSigned = ({ routes }: RawAdapterContext): readonly Fault[] =>
  routes
    .filter(({ isOpaque }) => !isOpaque)
    .map(({ from = 'there' }) => ({
      path: ['signing'],
      message: `is missing: requests from ${from} are signed anew, with a privileged certificate`,
      allowed: 'cert and key',
    }));

/** Nodes answer only signed discovery. */
const checkDiscovery = ({ discovery }: RawEntry, name: string): readonly Fault[] => {
  const every =
    typeof discovery === 'object' && discovery !== null && 'every' in discovery && discovery.every;
  if ((parseSeconds(every) ?? 0) === 0) return [];
  return [
    {
      path: ['discovery', 'every'],
      message: `without signing ${name} cannot ask who is there`,
      allowed: '0, or more with signing',
    },
  ];
};

/** A collective whose nodes answer. */
export const collectiveEgressType = defineEgress({
  type: 'choria-collective',
  transport: 'nats',
  anyServer: ANY_NATS_SERVER,
  opaque: CHORIA_FORMAT,
  schema: choriaCollective,
  adapt: collectiveEgressAdapter,
  replyPath: REPLY_PATH,
  crossCheck: (entry, around) => [
    // One that is there without a value is the schema's to report.
    ...('signing' in entry ? [] : checkSigned(around)),
    ...(entry['signing'] === undefined ? checkDiscovery(entry, around.name) : []),
  ],
});
