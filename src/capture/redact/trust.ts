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
}

type IngressTrust = NonNullable<CassetteTrust['ingresses']>[string];

/** Whom a replay has to believe, for each setting that verifies what comes. */
export const trustOf = (
  config: Pick<Config, 'ingresses' | 'egresses'>,
  { caFor, listsOf, callersOf, serverKey }: TrustSource,
): CassetteTrust => {
  const verifyingOn = (kind: 'ingress' | 'egress') =>
    sidesOf(config)
      .filter((side) => side.kind === kind)
      .map((side) => ({
        side,
        name: side.adapter.name,
        keys: side.adapter.keys().filter(({ use }) => use === 'verify'),
      }));
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
          },
        ];
      }),
    ),
    egresses: Object.fromEntries(
      verifyingOn('egress').flatMap(({ name, keys }) =>
        keys.some(({ kind }) => kind === 'public')
          ? [[name, { server_public_key: [serverKey] }] as const]
          : [],
      ),
    ),
  };
};
