import { createPrivateKey, createPublicKey } from 'node:crypto';
import {
  type Credential,
  type Credentials,
  callerCredentials,
  privilegedCredentials,
  readCredential,
} from '../adapters/choria/collective/credentials.ts';
import { createChoriaCollectiveEgress } from '../adapters/choria/collective-egress.ts';
import type {
  ChoriaCollectiveConfig,
  ChoriaPairConfig,
  ChoriaSigningConfig,
} from '../adapters/choria/collective-egress-config.ts';
import { keyFolder, type Signers, sharedSigner } from '../adapters/mcollective/egress/signing.ts';
import type { McollectiveStompConfig } from '../adapters/mcollective/egress-config.ts';
import { createMcollectiveStompEgress } from '../adapters/mcollective/stomp-egress.ts';
import type { Egress } from '../envelope/port.ts';
import { directoryOf } from '../nodes/residents.ts';
import { clusterOf, isOpaqueRoute } from '../setup/ends.ts';
import type { EgressConfig, Named } from '../setup/types.ts';
import type { Context } from './context.ts';
import { patternsOf } from './nodes.ts';

export const egressOf = (it: Named<EgressConfig>, around: Context): Egress =>
  it.type === 'mcollective-stomp' ? mcollectiveEgress(it, around) : choriaEgress(it, around);

const choriaEgress = (it: Named<ChoriaCollectiveConfig>, around: Context): Egress => {
  const { config, clock, tokenKey, pool } = around;
  const { signing, name } = it;
  const homes = config.routes
    .filter((route) => route.to === name && isOpaqueRoute(route, config))
    .map(({ from }): [string, string] => [clusterOf(config, from), from]);
  return createChoriaCollectiveEgress({
    name,
    link: around.link(name, 'egress'),
    homes: new Map(homes),
    subscriptions: it.subscriptions,
    ...(signing && {
      signing: {
        identity: config.identity,
        cluster: config.cluster,
        tokenKey,
        credentials: credentialsOf(it, signing, around),
        compound: it.compound,
        pool,
        maxUnsignedBytes: it.buffer.bytes,
      },
    }),
    maxMessageBytes: config.maxMessageBytes,
    clock,
  });
};

const credentialsOf = (
  { name, discovery: { caller } }: Named<ChoriaCollectiveConfig>,
  signing: ChoriaSigningConfig,
  { clock, parse, keys: files }: Context,
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

const mcollectiveEgress = (it: Named<McollectiveStompConfig>, around: Context): Egress => {
  const { config, parse, clock, tokenKey, pool, inventory } = around;
  const { name, discovery } = it;
  return createMcollectiveStompEgress({
    name,
    link: around.link(name, 'egress'),
    identity: config.identity,
    cluster: config.cluster,
    tokenKey,
    collectives: [
      ...new Set(config.routes.filter(({ to }) => to === name).flatMap(({ collectives }) => collectives)),
    ],
    serializer: it.serializer,
    base64: it.base64,
    multiplex: it.agentsMultiplex,
    priority: it.priority,
    directLimit: it.directLimit,
    nodes: directoryOf(inventory, name, patternsOf(config)),
    signers: signersOf(it, around),
    pool,
    maxUnsignedBytes: it.buffer.bytes,
    ...(discovery.caller !== undefined && { discoveryCaller: discovery.caller }),
    serverKeys: it.serverPublicKeys.map((file) =>
      parse(file, ['egresses', name, 'server_public_key'], (pem) => createPublicKey(pem)),
    ),
    maxMessageBytes: config.maxMessageBytes,
    clock,
  });
};

const signersOf = (
  { signing, name }: Named<McollectiveStompConfig>,
  { parse, clock, keys }: Context,
): Signers =>
  signing.kind === 'keys'
    ? keyFolder(signing.folder, clock, keys)
    : sharedSigner({
        callerId: signing.callerid,
        key: parse(signing.privateKey, ['egresses', name, 'signing', 'private_key'], (pem) =>
          createPrivateKey(pem),
        ),
      });
