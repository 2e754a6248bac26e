import type { Config } from '../../setup/types.ts';
import type { CassetteMessage } from '../file/format.ts';

/** Messages to the nodes of one request, which the bridge puts together while they come at once. */
export interface Bundles {
  /** Whether a message may be one of several. */
  mayBePart(message: CassetteMessage): boolean;
  isOne(a: CassetteMessage, b: CassetteMessage): boolean;
}

export const bundlesOf = ({ ingresses }: Pick<Config, 'ingresses'>): Bundles => {
  /** Where copies of a request are put together; undefined for what comes alone. */
  const gathering = (message: CassetteMessage): string | undefined =>
    message.side === 'ingress'
      ? ingresses.get(message.link)?.adapter.directedTo(message)?.collective
      : undefined;
  return {
    mayBePart: (message) => gathering(message) !== undefined,
    isOne: (a, b) =>
      a.link === b.link &&
      a.side === b.side &&
      gathering(a) !== undefined &&
      gathering(a) === gathering(b) &&
      a.reply_to === b.reply_to &&
      a.text === b.text &&
      a.base64 === b.base64,
  };
};
