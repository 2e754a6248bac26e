import { createHash } from 'node:crypto';

/** A message of which every instance has got a copy. */
export interface Copied {
  /** Name of the ingress that it came by, the same in all instances. */
  readonly ingress: string;
  readonly destination: string;
  /** The exact bytes: with another byte it is another message. */
  readonly body: Uint8Array;
}

/** Names and destinations hold no NUL, so that no two messages are one text. */
const hashOf = ({ ingress, destination, body }: Copied): string =>
  createHash('sha256').update(`${ingress}\0${destination}\0`).update(body).digest('base64url');

/** The key of a request's claim. The sender chooses nothing of it but the request itself. */
export const claimKey = (copied: Copied): string => hashOf(copied);

/**
 * The key of the claim to answer for a message that is refused. Apart from the requests' keys: what is refused at one
 * instance, because of a header or a key that it lacks, must not keep another one from handling the request.
 */
export const refusalKey = (copied: Copied): string => `refused.${hashOf(copied)}`;
