import { errorText } from '../../envelope/text.ts';
import { codeOf } from '../failure/node-error.ts';
import { LinkError } from '../link.ts';

export const closed = (): LinkError => new LinkError('closed', 'the link is closed');

const REASONS: ReadonlyMap<string, string> = new Map([
  ['EADDRINUSE', 'another program listens there'],
  ['EACCES', 'this user may not listen there'],
  ['EADDRNOTAVAIL', 'this machine does not have the address'],
  ['ENOTFOUND', 'there is no such name'],
]);

/** Why a listener cannot be had. */
export const listenFailure = (url: string, error: unknown): LinkError => {
  const reason = REASONS.get(codeOf(error)) ?? errorText(error);
  return new LinkError('unreachable', `${url}: ${reason}`, { cause: error });
};
