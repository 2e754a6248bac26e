import type { Observable } from '../../adapters/descriptor.ts';
import { adapterContextOf, sideOf } from '../../setup/sides.ts';
import type { Config } from '../../setup/types.ts';
import type { LinkSide } from '../../transport/spec.ts';

export interface Listening extends Observable {
  readonly link: string;
  readonly side: LinkSide;
}

/** What can be heard of each link that a route uses. */
export const sourcesOf = (config: Config): readonly Listening[] => {
  const { routes } = config;
  const heard = (side: LinkSide, names: readonly string[]): readonly Listening[] =>
    [...new Set(names)].flatMap((link) => {
      const adapter = sideOf(config, link, side)?.adapter;
      return adapter === undefined
        ? []
        : [{ link, side, ...adapter.observable(adapterContextOf(config, link, side)) }];
    });
  return [
    ...heard(
      'ingress',
      routes.map(({ from }) => from),
    ),
    ...heard(
      'egress',
      routes.map(({ to }) => to),
    ),
  ];
};
