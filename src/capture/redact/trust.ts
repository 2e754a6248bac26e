import { type Side, sidesOf } from '../../setup/sides.ts';
import type { Config } from '../../setup/types.ts';
import type { CassetteTrust } from '../file/format.ts';

/** The keys that stand in for those of a recording. */
export interface TrustSource {
  /** The CA to believe instead of the one in that file, PEM. */
  caFor(file: string): string | undefined;
  /** The revocation lists to believe instead of those of an ingress, PEM. */
  listsOf(ingress: Side): string | undefined;
  /** The public keys of an ingress's legacy callers, by their names, PEM. */
  callersOf(ingress: string): Readonly<Record<string, string>>;
  /** Of all legacy daemons, PEM. */
  readonly serverKey: string;
  /** What proves messages of a side in the place of the secrets that its settings name. */
  secretsOf(side: Side): Readonly<Record<string, string>>;
}

type IngressTrust = NonNullable<CassetteTrust['ingresses']>[string];

/** Whom a replay has to believe, for each setting that verifies what comes. */
export const trustOf = (
  config: Pick<Config, 'ingresses' | 'egresses'>,
  { caFor, listsOf, callersOf, serverKey, secretsOf }: TrustSource,
): CassetteTrust => {
  const verifyingOn = (kind: 'ingress' | 'egress') =>
    sidesOf(config)
      .filter((side) => side.kind === kind)
      .map((side) => ({
        side,
        name: side.adapter.name,
        keys: side.adapter.keys().filter(({ use }) => use === 'verify'),
      }));
  const secretsIn = (side: Side): { readonly secrets?: Readonly<Record<string, string>> } => {
    const secrets = secretsOf(side);
    return Object.keys(secrets).length === 0 ? {} : { secrets };
  };
  return {
    ingresses: Object.fromEntries(
      verifyingOn('ingress').map(({ side, name, keys }): [string, IngressTrust] => {
        const file = keys.find(({ kind }) => kind === 'ca')?.path;
        const ca = file === undefined ? undefined : caFor(file);
        const hasCallers = keys.some(({ kind }) => kind === 'folder');
        const crl = listsOf(side);
        return [
          name,
          {
            ...(ca !== undefined && { ca }),
            ...(crl !== undefined && { crl }),
            ...(hasCallers && { callers: callersOf(name) }),
            ...secretsIn(side),
          },
        ];
      }),
    ),
    egresses: Object.fromEntries(
      verifyingOn('egress').flatMap(({ side, name, keys }) => {
        const hasServers = keys.some(({ kind }) => kind === 'public');
        const trust = { ...(hasServers && { server_public_key: [serverKey] }), ...secretsIn(side) };
        return Object.keys(trust).length === 0 ? [] : [[name, trust] as const];
      }),
    ),
  };
};
