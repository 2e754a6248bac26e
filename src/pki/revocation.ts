import { shown } from '../codec/shown.ts';
import { Rejection } from '../envelope/rejection.ts';
import { isoTime } from '../envelope/time.ts';
import { type Certificate, label } from './certificate.ts';
import { type Chain, checkDates, findChains, isSelfIssued } from './chain.ts';
import { distributionPointsOf } from './distribution-point.ts';
import type { Revoked } from './revocation-entries.ts';
import { listLabel, type RevocationList } from './revocation-list.ts';

/** What may vouch for those who sign lists: a CA's list may be signed by another key of its. */
export interface Company {
  /** What came with the certificate. */
  readonly sent: readonly Certificate[];
  readonly anchors: readonly Certificate[];
}

export interface RevocationRules {
  /** By the id of their issuer's name. */
  readonly lists: ReadonlyMap<string, readonly RevocationList[]>;
  /** What the files are called, for a sentence. */
  readonly called: string;
  /** Whether a list that should have been replaced by now still counts. */
  readonly takesExpired: boolean;
  /** A replay: a certificate counts as revoked from the time that the list gives, and what no list tells counts as good. */
  readonly isReplay: boolean;
}

/** What tells whether a certificate is revoked. */
export interface Revocation {
  /**
   * That one of the chains holds. Lists are read again when their files have changed.
   * @param now ms since the epoch
   * @throws Rejection `certificate_revoked`, `revocation_unknown`
   */
  check(chains: readonly Chain[], company: Company, now: number): void;
}

/** How far a CA's clock may be ahead. */
const MAX_AHEAD_MS = 300_000;
/** Certificates from a caller's to a root, and those who sign their lists. */
const MAX_DEPTH = 3;

const grouped = (
  lists: readonly RevocationList[],
  keyOf: (list: RevocationList) => string,
): ReadonlyMap<string, readonly RevocationList[]> => {
  const groups = new Map<string, RevocationList[]>();
  for (const list of lists) {
    const group = groups.get(keyOf(list));
    if (group === undefined) groups.set(keyOf(list), [list]);
    else group.push(list);
  }
  return groups;
};

export const byIssuer = (lists: readonly RevocationList[]): RevocationRules['lists'] =>
  grouped(lists, ({ issuer }) => issuer.id);

/** Plain names are those of callers; CAs have others. */
const nameOf = (certificate: Certificate): string =>
  certificate.names[0] === undefined && certificate.subject.commonNames[0] !== undefined
    ? shown(certificate.subject.commonNames[0])
    : label(certificate);

/** A certificate counts no more. */
export class CertificateRevoked extends Rejection {
  readonly entry: Revoked;

  constructor(message: string, entry: Revoked) {
    super('certificate_revoked', message);
    this.entry = entry;
  }
}

const revoked = (certificate: Certificate, entry: Revoked, list: RevocationList): Rejection => {
  const why = entry.reason === undefined ? '' : `: ${entry.reason}`;
  return new CertificateRevoked(
    `the certificate of ${nameOf(certificate)} was revoked at ${isoTime(entry.date)} by ${listLabel(list)}${why}`,
    entry,
  );
};

const unknown = (certificate: Certificate, why: string): Rejection =>
  new Rejection(
    'revocation_unknown',
    `whether the certificate of ${nameOf(certificate)} is revoked is not known: ${why}`,
  );

/** Whether a list tells of a certificate, if its issuer is the same. */
const covers = ({ scope }: RevocationList, certificate: Certificate): boolean => {
  const isAuthority = certificate.pathLength >= 0;
  if (scope.certificates !== 'all' && (scope.certificates === 'authorities') !== isAuthority) return false;
  const { points } = scope;
  return (
    points === undefined ||
    distributionPointsOf(certificate).some(
      ({ names, isOther }) => !isOther && names.some((name) => points.includes(name)),
    )
  );
};

/** Of lists for the same certificates the newest. */
const newest = (lists: readonly RevocationList[]): readonly RevocationList[] =>
  [...grouped(lists, ({ scope }) => JSON.stringify(scope)).values()].flatMap((same) => {
    const latest = Math.max(...same.map(({ thisUpdate }) => thisUpdate));
    return same.filter(({ thisUpdate }) => thisUpdate === latest);
  });

/** Looks through one certificate after the other; made for one request. */
class Inquiry {
  /** Lists that have been used though another was due. */
  readonly expired = new Set<RevocationList>();
  readonly #rules: RevocationRules;
  readonly #company: Company;
  readonly #now: number;

  constructor(rules: RevocationRules, company: Company, now: number) {
    this.#rules = rules;
    this.#company = company;
    this.#now = now;
  }

  /** Why a chain does not hold; undefined where it does. That something is revoked says more than that nothing is known. */
  problemOf(chain: Chain, depth = 0): Rejection | undefined {
    let first: Rejection | undefined;
    for (const [at, certificate] of chain.entries()) {
      const problem = this.#problem(certificate, chain[at + 1] ?? certificate, chain.at(-1), depth);
      if (problem?.code === 'certificate_revoked') return problem;
      first ??= problem;
    }
    return first;
  }

  #problem(
    certificate: Certificate,
    issuer: Certificate,
    anchor: Certificate | undefined,
    depth: number,
  ): Rejection | undefined {
    // What is trusted without anybody's word: a CA that is configured and not its own issuer.
    if (certificate === issuer && !isSelfIssued(certificate)) return undefined;
    const { lists, called, isReplay, takesExpired } = this.#rules;
    const now = this.#now;
    const theirs = (lists.get(certificate.issuer.id) ?? []).filter((list) => covers(list, certificate));
    const signed = theirs.filter((list) => this.#isSigned(list, issuer, anchor, depth));
    const current = signed.filter((list) => isCurrent(list, now));
    const used = newest(isReplay || current.length === 0 ? signed : current);
    for (const list of used) {
      const entry = list.find(certificate.serialId);
      if (entry !== undefined && !(isReplay && entry.date > now)) return revoked(certificate, entry, list);
    }
    if (current.length > 0 || isReplay) return undefined;
    const [list] = used;
    if (list === undefined) {
      const issuedBy = shown(certificate.issuer.commonNames[0] ?? certificate.issuer.text);
      if (theirs.length === 0)
        return unknown(certificate, `${called} holds no revocation list of ${issuedBy}`);
      return unknown(
        certificate,
        issuer.signsLists === false
          ? `${issuedBy} may not sign revocation lists`
          : `the revocation list of ${issuedBy} in ${called} is not signed by it`,
      );
    }
    if (list.thisUpdate > now)
      return unknown(
        certificate,
        `the revocation list of ${listLabel(list)} in ${called} is not valid before ${isoTime(list.thisUpdate)}`,
      );
    if (takesExpired) {
      this.expired.add(list);
      return undefined;
    }
    return unknown(
      certificate,
      `the revocation list of ${listLabel(list)} in ${called} expired at ${isoTime(list.nextUpdate)}`,
    );
  }

  /** By the issuer itself; or by another certificate of its name, made to sign lists, that the same CA vouches for. */
  #isSigned(
    list: RevocationList,
    issuer: Certificate,
    anchor: Certificate | undefined,
    depth: number,
  ): boolean {
    if (issuer.signsLists !== false && list.isSignedBy(issuer)) return true;
    if (depth === MAX_DEPTH) return false;
    const { sent, anchors } = this.#company;
    return sent.some((signer) => {
      if (signer.subject.id !== list.issuer.id || signer.signsLists !== true || signer === issuer)
        return false;
      try {
        const chains = checkDates(findChains(signer, sent, anchors), this.#now);
        return chains
          .map((chain) => upToRoot(chain, anchors))
          .some(
            (chain) =>
              chain.at(-1) === anchor &&
              list.isSignedBy(signer) &&
              this.problemOf(chain, depth + 1) === undefined,
          );
      } catch (error) {
        if (error instanceof Rejection) return false;
        throw error;
      }
    });
  }
}

const isCurrent = ({ thisUpdate, nextUpdate }: RevocationList, now: number): boolean =>
  thisUpdate <= now + MAX_AHEAD_MS && now <= nextUpdate;

/** A chain, and above its configured CA those that have issued that one: they are configured too. */
export const upToRoot = (chain: Chain, anchors: readonly Certificate[]): Chain => {
  const whole = [...chain];
  for (let top = whole.at(-1); top !== undefined && !isSelfIssued(top); ) {
    const below = top;
    top = anchors.find(
      (one) => one.subject.id === below.issuer.id && !whole.includes(one) && below.x509.verify(one.key),
    );
    if (top !== undefined) whole.push(top);
  }
  return whole;
};

/**
 * That nothing in one of the chains is revoked: the certificate, its intermediates and its root.
 * @param chains as {@link upToRoot} gives them
 * @param now ms since the epoch
 * @returns lists that count though another was due
 * @throws Rejection `certificate_revoked`; `revocation_unknown` where a list is missing, expired or not its issuer's
 */
export const checkRevocation = (
  chains: readonly Chain[],
  rules: RevocationRules,
  company: Company,
  now: number,
): ReadonlySet<RevocationList> => {
  let worst: Rejection | undefined;
  for (const chain of chains) {
    const inquiry = new Inquiry(rules, company, now);
    const problem = inquiry.problemOf(chain);
    if (problem === undefined) return inquiry.expired;
    if (worst?.code !== 'certificate_revoked') worst = problem;
  }
  throw worst ?? new Rejection('untrusted_certificate', 'the certificate has no chain');
};
