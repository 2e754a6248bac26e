import type { Config } from '../config/types.ts';

/** The link over which instances share requests that each of them gets a copy of. */
export interface SharingPlace {
  readonly side: 'ingress' | 'egress';
  readonly name: string;
}

/** @returns undefined where no instance gets copies, or there is no NATS to share them over */
export const sharingPlace = (config: Config): SharingPlace | undefined => {
  const { ingresses, egresses, routes, statistics } = config;
  const copied = routes.filter(({ from }) => {
    const it = ingresses.get(from);
    return it?.type === 'mcollective-stomp' && it.broadcastQueue === undefined;
  });
  if (copied.length === 0 || statistics.interval === 0) return undefined;
  const isNats = (it: { readonly type: string } | undefined): boolean =>
    it !== undefined && it.type !== 'mcollective-stomp';
  const way = copied.find(({ to }) => egresses.get(to)?.type === 'choria-collective')?.to;
  const egress =
    way ??
    [...egresses.keys()].find((name) => routes.some(({ to }) => to === name) && isNats(egresses.get(name)));
  if (egress !== undefined) return { side: 'egress', name: egress };
  const ingress = [...ingresses.keys()].find(
    (name) => routes.some(({ from }) => from === name) && isNats(ingresses.get(name)),
  );
  return ingress === undefined ? undefined : { side: 'ingress', name: ingress };
};
