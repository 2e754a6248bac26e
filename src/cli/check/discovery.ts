import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DISCOVERY_CALLER as CHORIA_CALLER } from '../../adapters/choria/collective/credentials.ts';
import type {
  ChoriaCollectiveConfig,
  ChoriaSigningConfig,
} from '../../adapters/choria/collective-egress-config.ts';
import type { McollectiveStompConfig } from '../../adapters/mcollective/egress-config.ts';
import { DISCOVERY_CALLER } from '../../adapters/mcollective/stomp-egress.ts';
import type { KeyPath } from '../../config/problem.ts';
import { besideOf } from '../../setup/ends.ts';
import { learningOf } from '../../setup/learning.ts';
import type { Config } from '../../setup/types.ts';
import type { Checklist } from './checklist.ts';
import { missingPair } from './choria-signing.ts';

/** Whether the bridge can ask who lives beyond the egresses where it has to know. */
export const checkDiscovery = (list: Checklist, config: Config): void => {
  for (const [name, { every, collectives }] of learningOf(config)) {
    const egress = config.egresses.get(name);
    if (every === 0 || collectives.length === 0) continue;
    const path = ['egresses', name, 'discovery'];
    if (egress?.type === 'mcollective-stomp') checkCaller(list, path, egress);
    else if (egress?.signing?.kind === 'callers') checkChoriaCaller(list, path, egress, egress.signing);
  }
  for (const [ingress, name] of besideOf(config)) {
    const egress = config.egresses.get(name);
    if (egress?.type === 'choria-collective' && egress.signing === undefined)
      list.warning(
        ['ingresses', ingress, 'beside'],
        `without signing ${name} cannot ask who is there, so no node counts as native to the side of ${ingress}`,
        `give ${name} signing, or leave beside out`,
      );
  }
};

/** Who asks a Choria collective has a pair in the folder, unless the bridge's own certificate asks in its own name. */
const checkChoriaCaller = (
  list: Checklist,
  path: KeyPath,
  { discovery }: Pick<ChoriaCollectiveConfig, 'discovery'>,
  { folder, own }: Extract<ChoriaSigningConfig, { kind: 'callers' }>,
): void => {
  if (discovery.caller === undefined && own !== undefined) return;
  const { caller = CHORIA_CALLER } = discovery;
  const callerPath = discovery.caller === undefined ? path : [...path, 'caller'];
  const file = missingPair(folder, caller);
  if (file === undefined) list.ok(callerPath, `${caller} asks who is there`);
  else
    list.warning(
      callerPath,
      `there is no ${file}, so nodes cannot be asked who is there in the name of ${caller}`,
      'give signing.cert and signing.key, whose own name asks then, or set discovery.caller to a caller whose certificate and key are in signing.certs_dir',
    );
};

/** A legacy collective is asked with a key of the caller's. */
const checkCaller = (
  list: Checklist,
  path: KeyPath,
  { signing, discovery }: McollectiveStompConfig,
): void => {
  if (signing.kind === 'shared') return;
  const { caller = DISCOVERY_CALLER } = discovery;
  const callerPath = discovery.caller === undefined ? path : [...path, 'caller'];
  if (!caller.startsWith('cert=')) {
    list.warning(
      callerPath,
      `${caller} is not of the form cert=<name>, so nodes cannot be asked in that name`,
      'name a caller whose private key is in signing.keys_dir',
    );
    return;
  }
  const file = join(signing.folder, `${caller.slice('cert='.length)}.pem`);
  if (existsSync(file)) list.ok(callerPath, `${file} asks who is there`);
  else
    list.warning(
      callerPath,
      `there is no key ${file}, so nodes cannot be asked who is there in the name of ${caller}`,
      "put that private key there and its public one into the daemons' plugin.ssl_client_cert_dir, or set discovery.caller to a caller who has both",
    );
};
