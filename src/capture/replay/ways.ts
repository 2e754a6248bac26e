import type { Registry } from '../../adapters/registry.ts';
import type { CassetteMessage } from '../file/format.ts';

/** Ways home with a reply token in them, so far as any kind of egress knows them. */
export interface Ways {
  /** The one that a request bears on its way out, or that its reply names; undefined where none does. */
  of(message: CassetteMessage): string | undefined;
  /** A destination with the reply token in it, if any, left open. */
  withoutToken(destination: string): string;
}

export const waysOf = ({ egressTypes }: Pick<Registry, 'egressTypes'>): Ways => ({
  of: ({ dir, destination, reply_to: replyTo, text }) => {
    for (const { wayHome } of egressTypes) {
      const way = wayHome.of({ dir, destination, replyTo, text });
      if (way !== undefined) return way;
    }
    return undefined;
  },
  withoutToken: (destination) => {
    for (const { wayHome } of egressTypes) {
      const before = wayHome.beforeToken(destination);
      if (before !== undefined) return `${before}(token)`;
    }
    return destination;
  },
});
