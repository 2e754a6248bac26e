import { join } from 'node:path';
import type { KeyFiles } from '../../config/key-files.ts';
import type { Log } from '../../envelope/log.ts';
import { isoTime } from '../../envelope/time.ts';
import { sidesOf } from '../../setup/sides.ts';
import type { Config } from '../../setup/types.ts';
import { stepBeforeEnd } from '../../transport/tls/ends-soon.ts';
import { endOf } from '../../transport/tls/fault.ts';
import { certificatesOf } from '../../transport/tls/pem.ts';
import { type FilesInForce, linkOf } from './in-force.ts';

/** When the first certificate of a file ends. */
export interface CertificateEnd {
  /** Name of the ingress or egress, or `claims`. */
  readonly link: string;
  readonly file: string;
  /** Ms since the epoch. */
  readonly ends: number;
}

/** Certificates of callers that are looked at in one folder. */
const MAX_FILES_IN_FOLDER = 500;

const firstEnd = (pem: Buffer): number | undefined => {
  const ends = certificatesOf(pem.toString()).map(endOf);
  return ends.length === 0 ? undefined : Math.min(...ends);
};

/** The certificates that a configuration uses, and when they end. */
export class Certificates {
  readonly #files: FilesInForce;
  readonly #keys: KeyFiles;
  readonly #read = new WeakMap<Buffer, { readonly end: number | undefined }>();
  #folders = new Map<string, { readonly version: string; readonly end: number | undefined }>();

  constructor(files: FilesInForce, keys: KeyFiles) {
    this.#files = files;
    this.#keys = keys;
  }

  /** All that are in force. */
  all(config: Config): readonly CertificateEnd[] {
    const own = this.#files.owners().flatMap(([owner, files]) => this.#ofOwner(owner, files));
    const before = this.#folders;
    this.#folders = new Map();
    return [...own, ...sidesOf(config).flatMap(({ adapter }) => this.#ofFolders(adapter, before))];
  }

  /** The first end of a certificate of an owner's; never, where it has none. */
  endOf(owner: string): number {
    const files = this.#files.owners().find(([name]) => name === owner)?.[1] ?? [];
    return Math.min(Number.POSITIVE_INFINITY, ...this.#ofOwner(owner, files).map(({ ends }) => ends));
  }

  #ofOwner(owner: string, files: readonly string[]): readonly CertificateEnd[] {
    return files.flatMap((file) => {
      const bytes = this.#files.bytesOf(owner, file);
      if (bytes === undefined) return [];
      const known = this.#read.get(bytes) ?? { end: firstEnd(bytes) };
      this.#read.set(bytes, known);
      return known.end === undefined ? [] : [{ link: linkOf(owner), file, ends: known.end }];
    });
  }

  #ofFolders(
    adapter: ReturnType<typeof sidesOf>[number]['adapter'],
    before: ReadonlyMap<string, { readonly version: string; readonly end: number | undefined }>,
  ): readonly CertificateEnd[] {
    return adapter.keys().flatMap((use) => {
      if (use.kind !== 'folder' || use.holds !== 'certificates') return [];
      return this.#list(use.path).flatMap((name) => {
        const file = join(use.path, name);
        try {
          const version = this.#keys.version(file);
          const known = before.get(file);
          const end = known?.version === version ? known.end : firstEnd(this.#keys.read(file));
          this.#folders.set(file, { version, end });
          return end === undefined ? [] : [{ link: adapter.name, file, ends: end }];
        } catch {
          return [];
        }
      });
    });
  }

  #list(folder: string): readonly string[] {
    try {
      const files = this.#keys.list(folder).filter((name) => name.endsWith('.pem'));
      return files.toSorted().slice(0, MAX_FILES_IN_FOLDER);
    } catch {
      return [];
    }
  }
}

/** Tells of each certificate that will end: 30, 7 and 1 days before, and when it has, each once. */
export class CertificateWarnings {
  readonly #log: Log;
  #told = new Map<string, number>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** @param now ms since the epoch */
  look(certificates: readonly CertificateEnd[], now: number): void {
    const told = new Map<string, number>();
    for (const { link, file, ends } of certificates) {
      const key = JSON.stringify([link, file, ends]);
      const step = stepBeforeEnd(ends - now);
      if (step === undefined) continue;
      const before = this.#told.get(key) ?? Number.POSITIVE_INFINITY;
      told.set(key, Math.min(step, before));
      if (step >= before) continue;
      const fields = { link, file, expires: isoTime(ends) };
      if (step === 0) this.#log.error({ event: 'certificate_expired', ...fields }, 'a certificate has ended');
      else this.#log.warn({ event: 'certificate_expires', ...fields }, 'a certificate will end soon');
    }
    this.#told = told;
  }
}
