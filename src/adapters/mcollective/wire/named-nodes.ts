import type { Filter } from '../../../envelope/filter.ts';
import { plainToLegacy } from '../../kit/filter-language/plain-to-legacy.ts';

/** How many characters the entries may have together in which each regular expression repeats the names. */
const MAX_ENTRIES_CHARS = 64 * 1024;

/** In extended expressions a comment would swallow what is put behind them. */
const EXTENDED = /\(\?[a-z]*x/;

const isPattern = (entry: string): boolean => entry.startsWith('/');

/**
 * A filter by which only these nodes, of those that match the given one, take a request that all of them get.
 *
 * Daemons hold their identity against each entry of the filter by identity, and take the request where exactly one
 * matches (`validate_filter?` of MCollective's security/base.rb). So no name may be there twice, and a filter by
 * identity that the request has already is joined with the names entry by entry: a name stays if it is one of them, an
 * expression gets a look-ahead at them.
 * @param nodes at least one
 * @returns undefined where both cannot be joined
 * @throws Rejection `unsupported_filter`
 */
export const namingNodes = (filter: Filter, nodes: readonly string[]): Filter | undefined => {
  const names = [...new Set(nodes)];
  if (filter.identity.length === 0) return { ...filter, identity: names };
  // In the daemons' own terms first, for they are what is joined.
  const legacy: Filter =
    filter.language === 'mcollective' ? filter : { ...plainToLegacy(filter), language: 'mcollective' };
  if (legacy.identity.some((entry) => isPattern(entry) && EXTENDED.test(entry))) return undefined;
  const asked = new Set(names);
  const any = names.map(escaped).join('|');
  const identity = legacy.identity.flatMap((entry) => {
    if (!isPattern(entry)) return asked.has(entry) ? [entry] : [];
    // Daemons take all slashes out of an expression.
    return [`/\\A(?=(?:${any})\\z)(?=.*?(?:${entry.replaceAll('/', '')}))/`];
  });
  // An empty list would be no filter at all.
  if (identity.length === 0) identity.push(NOBODY);
  const length = identity.reduce((sum, entry) => sum + entry.length, 0);
  return length > MAX_ENTRIES_CHARS ? undefined : { ...legacy, identity };
};

/** Matches no identity. */
const NOBODY = '/\\A(?!)/';

const escaped = (name: string): string => name.replaceAll('.', '\\.');
