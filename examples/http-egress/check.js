// @ts-check
import {
  checkAuthorities,
  checkTlsClient,
  privilegedPatterns,
  readBytes,
  warnIfWorldReadable,
} from 'mcbridge/adapter';
import { isToken, TOKEN_FILE } from './config.js';

/** @import { Checklist, EgressCheck, KeyPath } from 'mcbridge/adapter' */
/** @import { HttpConfig } from './config.js' */

/** @param {Checklist} list @param {KeyPath} path @param {HttpConfig} it @param {number} now */
const checkFiles = (list, path, it, now) => {
  const { tls, tokenFile } = it;
  if (tls === undefined)
    list.warning(
      [...path, 'insecure_plaintext'],
      'the connection to the servers is neither encrypted nor authenticated',
      'write https://, and leave insecure_plaintext out',
    );
  if (tls?.verify === false)
    list.warning(
      [...path, 'tls', 'verify'],
      "the servers' certificates are not verified",
      'give ca, and leave verify out',
    );
  if (tls?.ca !== undefined) checkAuthorities(list, [...path, 'tls', 'ca'], tls.ca, now);
  if (tls !== undefined) checkTlsClient(list, [...path, 'tls'], tls, undefined, now);
  if (tokenFile === undefined) return;
  const at = [...path, 'token_file'];
  const token = readBytes(list, at, tokenFile)?.toString().trim();
  if (token === undefined) return;
  warnIfWorldReadable(list, at, tokenFile);
  if (isToken(token)) list.ok(at, `${tokenFile} holds a token`);
  else list.unusable(at, `${tokenFile} holds no token`, `it takes ${TOKEN_FILE}`);
};

/** What `mcbridge check` asks, beside the connection itself. @param {HttpConfig} it @param {string} name @returns {EgressCheck} */
export const httpCheck = (it, name) => {
  const path = ['egresses', name];
  return {
    files: (list, now) => checkFiles(list, path, it, now),
    patterns: [privilegedPatterns(it.privileged)],
    lackFor: (caller) =>
      it.callers === undefined || it.callers.some((pattern) => pattern.test(caller))
        ? undefined
        : {
            message: `callers of ${name} has no pattern for ${caller}, so this caller's requests are refused`,
            mend: 'add a pattern for it to callers',
          },
    asking: () => {},
  };
};
