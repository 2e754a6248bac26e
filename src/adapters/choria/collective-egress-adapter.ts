import type { AdapterContext, EgressAdapter, EgressServices } from '../descriptor.ts';
import { natsLink } from '../kit/nats/link-options.ts';
import { egressCheck } from './check/egress.ts';
import {
  type Credential,
  type Credentials,
  callerCredentials,
  privilegedCredentials,
  readCredential,
} from './collective/credentials.ts';
import { signingKeys } from './collective/keys.ts';
import { egressRequirements } from './collective/requirements.ts';
import { createChoriaCollectiveEgress } from './collective-egress.ts';
import type {
  ChoriaCollectiveConfig,
  ChoriaPairConfig,
  ChoriaSigningConfig,
} from './collective-egress-config.ts';
import { CHORIA_NAMES } from './names.ts';
import { ofCollectiveEgress } from './observable.ts';
import { collectiveGroup } from './wire/index.ts';

const opaqueRoutes = ({ routes }: Pick<AdapterContext, 'routes'>) =>
  routes.filter(({ isOpaque }) => isOpaque);

/** Whose replies it hears: its bridge's own cluster only where it asks in that one's name. */
const clustersOf = (
  { signing }: ChoriaCollectiveConfig,
  around: Pick<AdapterContext, 'cluster' | 'routes'>,
): readonly string[] => [
  ...new Set([
    ...opaqueRoutes(around).map(({ cluster }) => cluster),
    ...(signing === undefined ? [] : [around.cluster]),
  ]),
];

export const collectiveEgressAdapter = (it: ChoriaCollectiveConfig, name: string): EgressAdapter => ({
  name,
  type: it.type,
  label: it.type,
  wire: { format: 'choria' },
  names: CHORIA_NAMES,
  asks: it.signing !== undefined,
  privileged: it.privileged,
  link: natsLink(it, { name, side: 'egress' }),
  requirements: (around) =>
    egressRequirements({
      collectives: around.collectives,
      clusters: clustersOf(it, around),
      opaque: opaqueRoutes(around).length > 0,
      asked: it.signing === undefined ? [] : around.asked,
    }),
  keys: () => (it.signing === undefined ? [] : signingKeys(it.signing)),
  observable: (around) => ofCollectiveEgress(clustersOf(it, around), around),
  check: egressCheck(it, name),
  replyGroups: (around) => {
    const opaque = opaqueRoutes(around).map(({ cluster }) => cluster);
    const groups = clustersOf(it, around).map((cluster) => ({
      name: `the queue group ${collectiveGroup(cluster)}`,
      byToken: !opaque.includes(cluster),
    }));
    return it.servers.flatMap(({ url: server }) => groups.map((group) => ({ ...group, server })));
  },
  create: (around, services) =>
    createChoriaCollectiveEgress({
      name,
      config: it,
      around,
      services,
      homes: new Map(opaqueRoutes(around).map((route): [string, string] => [route.cluster, route.from])),
      credentials: it.signing && credentialsOf(name, it, it.signing, services),
    }),
});

const credentialsOf = (
  name: string,
  { discovery: { caller } }: ChoriaCollectiveConfig,
  signing: ChoriaSigningConfig,
  { clock, parse, keys: files }: EgressServices,
): Credentials => {
  const path = ['egresses', name, 'signing'];
  const options = { clock, files, ...(caller !== undefined && { discoveryCaller: caller }) };
  const read = ({ cert, key }: ChoriaPairConfig): Credential =>
    parse(cert, [...path, 'cert'], (certificate) =>
      parse(key, [...path, 'key'], (pem) => readCredential(certificate.toString(), pem)),
    );
  return signing.kind === 'callers'
    ? callerCredentials(signing.folder, signing.own && read(signing.own), options)
    : privilegedCredentials(read(signing.own), options);
};
