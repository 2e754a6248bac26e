import { checkConnection } from '../../adapters/choria/check/connection.ts';
import { readBytes, warnIfWorldReadable } from '../../adapters/kit/check/key-files.ts';
import type { Checklist } from '../../config/checklist.ts';
import { trimKey } from '../../config/files.ts';
import { ingressesFirst, pathOf } from '../../setup/around.ts';
import { endsOf } from '../../setup/ends.ts';
import { MIN_CLUSTER_KEY } from '../../setup/schema.ts';
import type { LoadedConfig } from '../../setup/types.ts';
import { checkDiscovery } from './discovery.ts';
import { checkPatterns } from './patterns.ts';
import { checkReplyGroups } from './reply-groups.ts';
import { checkRules } from './rules.ts';

/** Everything that can be looked at without a network: files, keys, certificates, parts that nothing uses, rules. */
export const checkSettings = (list: Checklist, loaded: LoadedConfig, now: number): void => {
  checkFiles(list, loaded, now);
  checkRules(list, loaded.config);
  checkDiscovery(list, loaded.config);
  checkPatterns(list, loaded.config);
  checkReplyGroups(list, loaded.config);
};

/** Files, and the ingresses and egresses that name them. */
export const checkFiles = (list: Checklist, { config }: LoadedConfig, now: number): void => {
  const { clusterKey, claims } = config;
  if (clusterKey.kind === 'file') checkClusterKey(list, clusterKey.file);
  else list.ok(['cluster_key'], 'is long enough');
  if (claims?.at.kind === 'own') checkConnection(list, ['claims'], claims.at.connection, now);
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

const checkClusterKey = (list: Checklist, file: string): void => {
  const path = ['cluster_key_file'];
  const bytes = readBytes(list, path, file);
  if (bytes === undefined) return;
  warnIfWorldReadable(list, path, file);
  const { length } = trimKey(bytes);
  if (length >= MIN_CLUSTER_KEY) list.ok(path, `${file} holds a key of ${length} bytes`);
  else
    list.unusable(
      path,
      `${file} holds ${length} bytes, and it takes at least ${MIN_CLUSTER_KEY}`,
      `openssl rand -base64 48 > ${file}, and the same file for every instance`,
    );
};
