import { createPrivateKey, createPublicKey } from 'node:crypto';
import type { EgressAdapter, EgressServices } from '../descriptor.ts';
import { egressCheck } from './check/egress.ts';
import { keyFolder, type Signers, sharedSigner } from './egress/signing.ts';
import type { McollectiveStompConfig } from './egress-config.ts';
import { egressKeys } from './keys.ts';
import { stompLink } from './link-options.ts';
import { LEGACY_NAMES, SHARED_NAMES } from './names.ts';
import { ofEgress } from './observable.ts';
import { egressRequirements } from './requirements.ts';
import { createMcollectiveStompEgress } from './stomp-egress.ts';
import { replyWildcard } from './wire/addressing.ts';

export const mcollectiveEgressAdapter = (it: McollectiveStompConfig, name: string): EgressAdapter => ({
  name,
  type: it.type,
  label: `${it.type}, ${it.serializer}`,
  wire: { format: 'mcollective', serializer: it.serializer, base64: it.base64 },
  names: it.signing.kind === 'shared' ? SHARED_NAMES : LEGACY_NAMES,
  asks: true,
  privileged: it.privileged,
  link: stompLink(it, { name, side: 'egress' }),
  requirements: ({ cluster, identity, collectives, asked }) =>
    egressRequirements({ cluster, identity, collectives, multiplex: it.agentsMultiplex, asked }),
  keys: () => egressKeys(it),
  observable: (around) => ofEgress(it.agentsMultiplex, around),
  check: egressCheck(it, name),
  replyGroups: ({ cluster, collectives }) =>
    it.servers.flatMap(({ url: server }) =>
      collectives.map((collective) => ({
        name: `the group of consumers of ${replyWildcard(collective, cluster)}`,
        byToken: true,
        server,
      })),
    ),
  create: (around, services) =>
    createMcollectiveStompEgress({
      name,
      config: it,
      around,
      services,
      signers: signersOf(name, it, services),
      serverKeys: it.serverPublicKeys.map((file) =>
        services.parse(file, ['egresses', name, 'server_public_key'], (pem) => createPublicKey(pem)),
      ),
    }),
});

const signersOf = (
  name: string,
  { signing }: McollectiveStompConfig,
  { parse, clock, keys }: EgressServices,
): Signers =>
  signing.kind === 'keys'
    ? keyFolder(signing.folder, clock, keys)
    : sharedSigner({
        callerId: signing.callerid,
        key: parse(signing.privateKey, ['egresses', name, 'signing', 'private_key'], (pem) =>
          createPrivateKey(pem),
        ),
      });
