import type { KeyObject } from 'node:crypto';
import type { KeyFiles } from '../../config/key-files.ts';
import { isCallerId } from '../../envelope/check.ts';
import type { RejectionCode } from '../../envelope/rejection.ts';
import { openCallerFolder } from '../kit/caller-folder.ts';

export interface KeyFolderOptions {
  /** Where the PEM files are: `<directory>/<name>.pem` for `cert=<name>`. */
  readonly directory: string;
  /** What the folder is called in a sentence. */
  readonly called: string;
  /** Why a caller without a usable key is refused. */
  readonly code: RejectionCode;
  /** Throws for what is not a key of the kind. */
  readonly parse: (pem: Buffer) => KeyObject;
  /** Ms since the epoch. */
  readonly clock: () => number;
  readonly files?: KeyFiles | undefined;
}

const PREFIX = 'cert=';

/** The name of a caller's key file, without `.pem`; undefined for who can have none. */
export const keyNameOf = (caller: string): string | undefined =>
  isCallerId(caller) && caller.startsWith(PREFIX) ? caller.slice(PREFIX.length) : undefined;

/** OpenSSL's words for an invalid key name its routines and no reason. */
const reasonOf = (cause: unknown): string => {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  if (code === 'EACCES') return 'permission denied';
  if (/^ERR_(OSSL|CRYPTO)/.test(code)) return 'it is no such key in PEM that can be read';
  return cause instanceof Error ? cause.message : String(cause);
};

/**
 * A folder with a key for each caller, read when first needed and again when it changes.
 * @returns the key of a caller; throws a Rejection with the folder's code where there is none
 */
export const openKeyFolder = ({
  called,
  parse,
  ...options
}: KeyFolderOptions): ((caller: string) => KeyObject) =>
  openCallerFolder({
    ...options,
    nameOf: keyNameOf,
    form: 'cert=<name>',
    endings: ['.pem'],
    missing: (file, caller) => `there is no key ${file} for ${caller} in ${called}`,
    unusable: (file, caller, cause) => `the key ${file} of ${caller} cannot be used: ${reasonOf(cause)}`,
    parse: ([pem = Buffer.alloc(0)]) => parse(pem),
  });
