import { claimsBucket, claimsConnection, usesClaims } from '../../app/sharing.ts';
import { bucketName } from '../../cluster/bucket.ts';
import { proveClaims } from '../../cluster/proof.ts';
import type { Checklist } from '../../config/checklist.ts';
import { fileReader } from '../../config/files.ts';
import type { KeyPath } from '../../config/problem.ts';
import type { LoadedConfig } from '../../setup/types.ts';
import { LinkError } from '../../transport/link.ts';
import { grantOf } from '../../transport/nats/grant.ts';

const JETSTREAM = 'turn JetStream on there: jetstream { store_dir: "/var/lib/nats" }';

/** Makes a claim by each server, as the bridge will, and compares the settings of the bucket with what was asked for. */
export const checkClaims = async (list: Checklist, loaded: LoadedConfig): Promise<void> => {
  const { config } = loaded;
  const { claims } = config;
  if (claims === undefined) return;
  if (!usesClaims(loaded))
    list.warning(
      ['claims'],
      'no ingress shares broadcasts by claims, and no policy has max_nodes',
      'say share: claims there, or remove it',
    );
  const { at } = claims;
  const links =
    at.kind === 'link'
      ? [
          ['ingresses', at.name],
          ['egresses', at.name],
        ]
      : [['claims']];
  if (links.some((path) => list.hasProblem([...path, 'tls']))) {
    list.skipped(['claims'], 'not tried, because of the problems with tls');
    return;
  }
  const connection = claimsConnection(loaded, fileReader(loaded));
  const bucket = claimsBucket(config);
  if (connection === undefined || bucket === undefined) return;
  const name = bucketName(bucket.cluster);
  for (const [index, url] of connection.servers.entries()) {
    const path: KeyPath = at.kind === 'link' ? ['claims', 'link'] : ['claims', 'servers', index];
    const proof = await proveClaims({ ...connection, servers: [url] }, bucket);
    if (proof.kind === 'failed') {
      const { error, missing } = proof;
      const purpose = missing === undefined ? '' : `; it is needed to ${missing.purpose}`;
      const known = error instanceof LinkError ? error.hint() : undefined;
      const mend =
        missing === undefined
          ? (known ??
            `see whether it is a NATS server that lets the bridge in, and has JetStream; where it has not, ${JETSTREAM}`)
          : `let this user do so on the server: ${grantOf({ ...missing.right, destination: missing.grant })}`;
      const reason = error.message.replace(`${url}: `, '');
      list.problem(path, `${url}: no claim could be made: ${reason}${purpose}`, mend);
      continue;
    }
    for (const { text, forgets } of proof.differences) {
      const message = `${url}: the bucket ${name} ${text}`;
      const mend = `nats stream edit KV_${name}, or delete it while no instance runs: the first one makes it anew`;
      if (forgets) list.problem(path, `${message}; the bridge does not use it`, mend);
      else list.warning(path, message, mend);
    }
    if (proof.differences.length === 0)
      list.ok(
        path,
        `${url} lets the bridge in, and a claim was made in the bucket ${name}, whose settings are right`,
      );
  }
};
