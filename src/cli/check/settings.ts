import { checkTlsClient } from '../../adapters/kit/check/certificate-files.ts';
import { checkLongSecretFile } from '../../adapters/kit/check/key-files.ts';
import { checkNatsFiles } from '../../adapters/kit/nats/check.ts';
import type { Checklist } from '../../config/checklist.ts';
import { endsOf } from '../../setup/ends.ts';
import { ingressesFirst, pathOf } from '../../setup/sides.ts';
import type { ClusterKey, LoadedConfig } from '../../setup/types.ts';
import { checkAudit } from './audit.ts';
import { checkDiscovery } from './discovery.ts';
import { checkPatterns } from './patterns.ts';
import { checkPolicies } from './policies.ts';
import { checkReplyGroups } from './reply-groups.ts';
import { checkRules } from './rules.ts';

/** Everything that can be looked at without a network: files, keys, certificates, parts that nothing uses, rules. */
export const checkSettings = (list: Checklist, loaded: LoadedConfig, now: number): void => {
  checkFiles(list, loaded, now);
  checkAudit(list, loaded);
  checkRules(list, loaded.config);
  checkPolicies(list, loaded);
  checkDiscovery(list, loaded.config);
  checkPatterns(list, loaded.config);
  checkReplyGroups(list, loaded.config);
};

/** Files, and the ingresses and egresses that name them. */
export const checkFiles = (list: Checklist, { config }: LoadedConfig, now: number): void => {
  const { clusterKey, nextClusterKey, claims, page } = config;
  checkClusterKey(list, 'cluster_key', clusterKey);
  if (nextClusterKey !== undefined) checkClusterKey(list, 'next_cluster_key', nextClusterKey);
  if (claims?.at.kind === 'own') checkNatsFiles(list, ['claims'], claims.at.connection, now);
  if (page?.login?.tls !== undefined)
    checkTlsClient(list, ['page', 'tls'], { client: page.login.tls }, undefined, now);
  for (const side of ingressesFirst(config)) {
    const { kind, adapter } = side;
    if (endsOf(adapter.name, kind, config).length === 0)
      list.warning(
        pathOf(side),
        `no route ${kind === 'ingress' ? 'starts' : 'ends'} here`,
        'add a route, or remove it',
      );
    adapter.check.files(list, now);
  }
};

const checkClusterKey = (list: Checklist, name: string, key: ClusterKey): void => {
  if (key.kind === 'given') {
    list.ok([name], 'is long enough');
    return;
  }
  checkLongSecretFile(list, [`${name}_file`], key.file, ', and the same file for every instance');
};
