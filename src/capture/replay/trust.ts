import { join } from 'node:path';
import type { StandIns } from '../../config/key-files.ts';
import { formatPath } from '../../config/problem.ts';
import { pathOf, type Side } from '../../setup/sides.ts';
import type { CassetteTrust } from '../file/format.ts';
import { CassetteError } from '../file/problem.ts';

/** The keys of a cassette that was redacted, in the place of those that verify what comes by a side. */
export const trustedOn = (side: Side, trust: CassetteTrust, cassette: string): StandIns => {
  const { kind, adapter } = side;
  const { ca, crl, callers } = (kind === 'ingress' ? trust.ingresses?.[adapter.name] : undefined) ?? {};
  const { server_public_key: servers } =
    (kind === 'egress' ? trust.egresses?.[adapter.name] : undefined) ?? {};
  const secrets = (kind === 'ingress' ? trust.ingresses : trust.egresses)?.[adapter.name]?.secrets;
  const files = new Map<string, string>();
  const folders = new Set<string>();
  const verifying = adapter.keys().filter(({ use }) => use === 'verify');

  for (const { kind, path, setting } of verifying) {
    const secret = kind === 'secret' ? secrets?.[formatPath(setting)] : undefined;
    if (secret !== undefined) files.set(path, secret);
    if (kind === 'ca' && ca !== undefined) files.set(path, ca);
    if (kind === 'crl' && crl !== undefined) files.set(path, crl);
    if (kind !== 'folder' || callers === undefined) continue;
    folders.add(path);
    // A name is one of a caller, never a way out of the folder.
    for (const [caller, pem] of Object.entries(callers))
      if (/^[\w.-]+$/.test(caller)) files.set(join(path, `${caller}.pem`), pem);
  }

  const publics = verifying.filter(({ kind }) => kind === 'public');
  if (servers !== undefined && publics.length > 0) {
    if (servers.length > publics.length)
      throw new CassetteError(
        `${cassette}: line 1: trust has ${servers.length} keys of ${[...pathOf(side), 'server_public_key'].join('.')}, and the configuration names ${publics.length}`,
      );
    for (const [index, { path }] of publics.entries()) {
      const pem = servers[index] ?? servers[0];
      if (pem !== undefined) files.set(path, pem);
    }
  }
  return { files, folders };
};
