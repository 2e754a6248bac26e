import type { Checklist } from '../../../config/checklist.ts';
import type { KeyPath } from '../../../config/problem.ts';
import type { RevocationConfig } from '../../../config/revocation.ts';
import { errorText } from '../../../envelope/text.ts';
import { type Certificate, parseCertificates } from '../../../pki/certificate.ts';
import { listLabel, parseRevocationLists, type RevocationList } from '../../../pki/revocation-list.ts';
import { readBytes } from './key-files.ts';

const MAX_AUTHORITIES = 1000;
/** A list of which less than this part of its life is left is soon to be replaced. */
const SOON = 0.1;

const MEND =
  'fetch the current one: Puppet keeps it in its crl.pem, with those of its root and its intermediate CA';

const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

const checkDates = (
  list: Checklist,
  path: KeyPath,
  file: string,
  found: RevocationList,
  { now, takesExpired }: { readonly now: number; readonly takesExpired: boolean },
): void => {
  const { thisUpdate, nextUpdate, size } = found;
  const what = `${file}: the revocation list of ${listLabel(found)}`;
  if (now < thisUpdate)
    list.problem(path, `${what} is valid from ${day(thisUpdate)} only`, "check this machine's clock");
  else if (now > nextUpdate && takesExpired)
    list.warning(path, `${what} expired on ${day(nextUpdate)}, and is used still (crl_expired: warn)`, MEND);
  else if (now > nextUpdate)
    list.problem(
      path,
      `${what} expired on ${day(nextUpdate)}, so whom that CA has signed for is refused`,
      MEND,
    );
  else if (nextUpdate - now < (nextUpdate - thisUpdate) * SOON)
    list.warning(path, `${what} expires on ${day(nextUpdate)}`, MEND);
  else list.ok(path, `${what} revokes ${size} certificates, and the next one is due on ${day(nextUpdate)}`);
};

const authoritiesIn = (list: Checklist, path: KeyPath, file: string): readonly Certificate[] => {
  const text = readBytes(list, path, file)?.toString();
  if (text === undefined) return [];
  try {
    return parseCertificates(text, file, MAX_AUTHORITIES);
  } catch {
    // Said of the CA itself.
    return [];
  }
};

/**
 * Revocation lists: each can be read, is in its dates, and there is one of each CA.
 * @param path the setting that names them
 * @param ca the file of the CAs whose lists they are; undefined: those that Node brings
 */
export const checkRevocationLists = (
  list: Checklist,
  path: KeyPath,
  { files, takesExpired }: RevocationConfig,
  ca: string | undefined,
  now: number,
): void => {
  const lists: RevocationList[] = [];
  let isWhole = true;
  for (const [index, file] of files.entries()) {
    const bytes = readBytes(list, [...path, index], file);
    try {
      const found = bytes === undefined ? [] : parseRevocationLists(bytes);
      isWhole &&= bytes !== undefined;
      for (const one of found) checkDates(list, [...path, index], file, one, { now, takesExpired });
      lists.push(...found);
    } catch (error) {
      isWhole = false;
      list.unusable(
        [...path, index],
        `${file} cannot be used: ${errorText(error)}`,
        'it takes a PEM file with BEGIN X509 CRL, or one list in DER',
      );
    }
  }
  if (!isWhole || ca === undefined) return;
  for (const authority of authoritiesIn(list, path, ca)) {
    const name = authority.subject.commonNames[0] ?? authority.subject.text;
    const theirs = lists.filter(({ issuer }) => issuer.id === authority.subject.id);
    if (theirs.length === 0)
      list.problem(
        path,
        `${files.join(', ')}: there is no revocation list of ${name}, so whom that CA has signed for is refused`,
        MEND,
      );
    else if (!theirs.some((one) => one.isSignedBy(authority)))
      // Another key of the same CA may have signed it, which comes with callers' certificates.
      list.warning(
        path,
        `${files.join(', ')}: the revocation list of ${name} is not signed by the CA of that name in ${ca}`,
        'give the list that this CA has made',
      );
  }
};
