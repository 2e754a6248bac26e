import type { KeyPath } from '../../config/problem.ts';
import type { Pattern } from '../../envelope/pattern.ts';

/** A file or folder of keys that messages are verified or signed with. Those of a connection are its link's. */
export type KeyUse = Use &
  (AuthorityKeys | RevocationLists | PublicKey | PrivateKey | CertificateAndKey | CallersKeys | SharedSecret);

interface Use {
  /** Below the side, as cassettes name it: `['callers', 'ca']`. */
  readonly setting: KeyPath;
  /** The setting that names the file, below the side: another one where that stands in for `setting`. */
  readonly at: KeyPath;
  /** Of the file or folder, absolute. */
  readonly path: string;
  readonly use: 'verify' | 'sign';
  readonly messages: 'requests' | 'replies';
}

/** Authorities that sign callers' certificates. */
interface AuthorityKeys {
  readonly kind: 'ca';
  /** Certificate names that may send requests. */
  readonly allow: readonly Pattern[];
  /** Certificate names that may speak for any caller. */
  readonly privileged: readonly Pattern[];
}

/** Which certificates of those authorities are revoked. */
interface RevocationLists {
  readonly kind: 'crl';
}

interface PublicKey {
  readonly kind: 'public';
}

interface PrivateKey {
  readonly kind: 'private';
  /** The callerid in whose name it signs; undefined where it signs for nodes. */
  readonly holder: string | undefined;
}

/** A certificate, in `path`, and its private key, beside it in the settings. */
interface CertificateAndKey {
  readonly kind: 'cert';
  readonly key: { readonly setting: KeyPath; readonly path: string };
}

/** A folder with files for each caller: `<name>.pem` with a key, or `<name>.pem` and `<name>.key` with a certificate and its key. */
interface CallersKeys {
  readonly kind: 'folder';
  readonly holds: 'public' | 'private' | 'certificates';
  /** The name of a caller's files, without the dot and what comes after it; undefined for who can have none. */
  readonly nameOf: (caller: string) => string | undefined;
}

/** A secret that whoever may send has too: messages are proved and verified with the same. `use` is `verify`. */
interface SharedSecret {
  readonly kind: 'secret';
}
