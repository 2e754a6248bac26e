import { basename } from 'node:path';
import { codeOf, type ParseFile, readFailure } from '../../config/files.ts';
import type { KeyFiles } from '../../config/key-files.ts';
import type { KeyPath } from '../../config/problem.ts';
import type { RevocationConfig } from '../../config/revocation.ts';
import type { Log } from '../../envelope/log.ts';
import { Rejection } from '../../envelope/rejection.ts';
import { errorText } from '../../envelope/text.ts';
import { isoTime } from '../../envelope/time.ts';
import type { Chain } from '../../pki/chain.ts';
import {
  byIssuer,
  checkRevocation,
  type Revocation,
  type RevocationRules,
  upToRoot,
} from '../../pki/revocation.ts';
import { listLabel, parseRevocationLists, type RevocationList } from '../../pki/revocation-list.ts';
import { pemKind } from '../../transport/tls/pem.ts';

/** What is known of a file. */
interface Known {
  /** Of what was read last, also where it could not be used. */
  version: string | undefined;
  /** The last that could be used. */
  lists: readonly RevocationList[] | undefined;
  /** Why what is there now cannot be used. */
  problem: string | undefined;
  /** What was told of it last. */
  told: string;
}

export interface RevocationStoreOptions {
  readonly log: Pick<Log, 'info' | 'warn' | 'error'>;
  /** A replay: there may be no files, and its clock is not theirs. */
  readonly isReplay?: boolean;
}

/** Undefined for a file that is not there. */
const versionOf = (file: string, keys: KeyFiles): string | undefined => {
  try {
    return keys.version(file);
  } catch {
    return undefined;
  }
};

/** What is wrong with a file of another kind says more than that it holds no list. */
const faultOf = (error: unknown, bytes: Buffer | undefined): string => {
  if (codeOf(error) !== undefined) return readFailure(error);
  const kind =
    bytes === undefined || bytes.includes('X509 CRL') ? undefined : pemKind(bytes.toString('latin1'));
  return kind !== undefined && /certificate|key|empty/.test(kind) ? kind : errorText(error);
};

/**
 * The revocation lists of an app, by file: each is read once for all that use it, again when it has changed, and is kept
 * where what comes after it cannot be used, for as long as it may be.
 */
export class RevocationStore {
  readonly #options: RevocationStoreOptions;
  readonly #known = new Map<string, Known>();

  constructor(options: RevocationStoreOptions) {
    this.#options = options;
  }

  /**
   * @param path the setting that names the files
   * @param parse tells what is wrong with them now @throws ConfigError
   */
  open(config: RevocationConfig, keys: KeyFiles, path: KeyPath, parse: ParseFile): Revocation {
    const { files } = config;
    if (!this.#options.isReplay)
      for (const [index, file] of files.entries()) {
        if (this.#isFresh(file, keys) && this.#of(file).problem === undefined) continue;
        const version = versionOf(file, keys);
        parse(file, [...path, index], (bytes) => this.#take(file, version, bytes));
      }
    return this.watch(config, keys);
  }

  /** When the next of a file's lists is due, in ms since the epoch; undefined where it never had any. */
  nextUpdate(file: string, keys: KeyFiles): number | undefined {
    if (!this.#isFresh(file, keys)) this.#read(file, keys);
    return this.#due(file);
  }

  #due(file: string): number | undefined {
    const lists = this.#known.get(file)?.lists;
    return lists === undefined ? undefined : Math.min(...lists.map(({ nextUpdate }) => nextUpdate));
  }

  /** The same for who is told of what is wrong when it matters. */
  watch({ files, takesExpired }: RevocationConfig, keys: KeyFiles): Revocation {
    const { isReplay = false } = this.#options;
    const called = files.map((file) => basename(file)).join(', ');
    const whole = new WeakMap<Chain, Chain>();
    let seen: readonly (readonly RevocationList[])[] = [];
    let lists: RevocationRules['lists'] = new Map();

    const refresh = (now: number): void => {
      const found = files.map((file) => this.#lists(file, keys, now));
      if (found.length === seen.length && found.every((one, index) => one === seen[index])) return;
      seen = found;
      lists = byIssuer(found.flat());
    };

    return {
      check: (chains, company, now) => {
        refresh(now);
        const full = chains.map((chain) => {
          const known = whole.get(chain) ?? upToRoot(chain, company.anchors);
          whole.set(chain, known);
          return known;
        });
        const expired = checkRevocation(full, { lists, called, takesExpired, isReplay }, company, now);
        for (const list of expired) this.#tellExpired(files, list);
      },
    };
  }

  /** @throws Rejection `revocation_unknown` where the file cannot be used, nor what it held before */
  #lists(file: string, keys: KeyFiles, now: number): readonly RevocationList[] {
    if (!this.#isFresh(file, keys)) this.#read(file, keys);
    const { lists, problem } = this.#of(file);
    if (this.#options.isReplay || problem === undefined) return lists ?? NONE;
    const isUsable = lists?.every(({ nextUpdate }) => now <= nextUpdate) === true;
    this.#tellProblem(file, problem, isUsable ? this.#due(file) : undefined);
    if (isUsable) return lists;
    throw new Rejection(
      'revocation_unknown',
      `whether certificates are revoked is not known: the revocation lists in ${basename(file)} cannot be used: ${problem}`,
    );
  }

  #of(file: string): Known {
    const known = this.#known.get(file) ?? {
      version: undefined,
      lists: undefined,
      problem: undefined,
      told: '',
    };
    this.#known.set(file, known);
    return known;
  }

  #isFresh(file: string, keys: KeyFiles): boolean {
    const version = this.#known.get(file)?.version;
    return version !== undefined && versionOf(file, keys) === version;
  }

  #read(file: string, keys: KeyFiles): void {
    // Before it is read: what is written meanwhile is read the next time.
    const version = versionOf(file, keys);
    let bytes: Buffer | undefined;
    try {
      bytes = keys.read(file);
      this.#take(file, version, bytes);
    } catch (error) {
      const known = this.#of(file);
      known.version = version;
      known.problem = faultOf(error, bytes);
    }
  }

  #take(file: string, version: string | undefined, bytes: Buffer): void {
    const lists = parseRevocationLists(bytes);
    const known = this.#of(file);
    known.version = version;
    known.lists = lists;
    known.problem = undefined;
    known.told = '';
    const { log } = this.#options;
    const entries = lists.reduce((sum, { size }) => sum + size, 0);
    log.info(
      {
        event: 'crl_read',
        file,
        issuers: lists.map(listLabel),
        entries,
        next_update: isoTime(this.#due(file) ?? 0),
      },
      `revocation lists read: ${entries} revoked certificates`,
    );
  }

  #tellProblem(file: string, problem: string, until: number | undefined): void {
    const what =
      until === undefined ? 'its callers are refused' : `what it held before is used until ${isoTime(until)}`;
    this.#tell(file, `${problem}: ${what}`, () =>
      this.#options.log.error(
        { event: 'crl_unusable', file, ...(until !== undefined && { until: isoTime(until) }) },
        `the revocation lists in ${file} cannot be used: ${problem}; ${what}`,
      ),
    );
  }

  #tellExpired(files: readonly string[], list: RevocationList): void {
    const file = files.find((one) => this.#known.get(one)?.lists?.includes(list)) ?? '';
    const told = `expired ${list.issuer.id} ${list.nextUpdate}`;
    this.#tell(file, told, () =>
      this.#options.log.warn(
        { event: 'crl_expired', file, issuer: listLabel(list), next_update: isoTime(list.nextUpdate) },
        `the revocation list of ${listLabel(list)} in ${file} expired at ${isoTime(list.nextUpdate)}, and is used still (crl_expired: warn)`,
      ),
    );
  }

  /** Once for as long as nothing else is to be told of the file. */
  #tell(file: string, what: string, tell: () => void): void {
    const known = this.#of(file);
    if (known.told.includes(what)) return;
    known.told = `${known.told}\n${what}`.slice(-MAX_TOLD);
    tell();
  }
}

const NONE: readonly RevocationList[] = [];
const MAX_TOLD = 4096;
