import type { Checklist } from '../../../config/checklist.ts';
import type { KeyPath } from '../../../config/problem.ts';
import { checkAuthorities, checkTlsClient } from '../check/certificate-files.ts';
import { checkRevocationLists } from '../check/revocation-lists.ts';
import { checkLogin } from './check-login.ts';
import type { NatsConnection } from './config.ts';

/**
 * The files of a connection to NATS.
 * @param forCallers whether its CA verifies callers too
 * @returns the CA that signs the brokers, where it can be used
 */
export const checkNatsFiles = (
  list: Checklist,
  path: KeyPath,
  connection: NatsConnection,
  now: number,
  forCallers = false,
): ReturnType<typeof checkAuthorities> => {
  const { tls } = connection;
  checkLogin(list, path, connection, now);
  if (tls === undefined) {
    list.warning(
      [...path, 'insecure_plaintext'],
      'the connection to the brokers is neither encrypted nor authenticated',
      'give tls',
    );
    return undefined;
  }
  const roots = checkAuthorities(list, [...path, 'tls', 'ca'], tls.ca, now, forCallers);
  if (tls.revocation !== undefined)
    checkRevocationLists(list, [...path, 'tls', 'crl'], tls.revocation, tls.ca, now);
  checkTlsClient(list, [...path, 'tls'], tls, roots, now);
  return roots;
};
