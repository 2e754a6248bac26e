import type { Checklist } from '../../../config/checklist.ts';
import type { KeyPath } from '../../../config/problem.ts';
import { checkAuthorities, checkTlsClient } from '../../kit/check/certificate-files.ts';
import { checkSecretFile } from '../../kit/check/key-files.ts';
import { checkRevocationLists } from '../../kit/check/revocation-lists.ts';
import type { StompConnection } from '../connection-config.ts';

/** The files of a connection to STOMP brokers. */
export const checkStompTls = (
  list: Checklist,
  path: KeyPath,
  { tls, passwordFile }: StompConnection,
  now: number,
): void => {
  if (passwordFile !== undefined) checkSecretFile(list, [...path, 'password_file'], passwordFile);
  if (!tls.verify)
    list.warning(
      [...path, 'tls', 'verify'],
      "the brokers' certificates are not verified",
      'give ca, and leave verify out',
    );
  if (tls.ca !== undefined) checkAuthorities(list, [...path, 'tls', 'ca'], tls.ca, now);
  if (tls.revocation !== undefined)
    checkRevocationLists(list, [...path, 'tls', 'crl'], tls.revocation, tls.ca, now);
  // Which authority vouches for the client is the broker's affair here: it need not be the one that signed the broker.
  checkTlsClient(list, [...path, 'tls'], tls, undefined, now);
};
