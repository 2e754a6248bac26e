import type { Registry } from '../../adapters/registry.ts';
import type { CassetteMessage } from '../file/format.ts';

/** Ways home with a reply token in them, so far as any kind of egress knows them. */
export interface ReplyPaths {
  /** The one that a request bears on its way out, or that its reply names; undefined where none does. */
  of(message: CassetteMessage): string | undefined;
  /** A destination with the reply token in it, if any, left open. */
  withoutToken(destination: string): string;
}

export const replyPathsOf = ({ egressTypes }: Pick<Registry, 'egressTypes'>): ReplyPaths => ({
  of: ({ dir, destination, reply_to: replyTo, text }) => {
    for (const { replyPath } of egressTypes) {
      const way = replyPath.of({ dir, destination, replyTo, text });
      if (way !== undefined) return way;
    }
    return undefined;
  },
  withoutToken: (destination) => {
    for (const { replyPath } of egressTypes) {
      const before = replyPath.beforeToken(destination);
      if (before !== undefined) return `${before}(token)`;
    }
    return destination;
  },
});
