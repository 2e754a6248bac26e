import { isTree, type Normalized, normalizedText } from './normalize.ts';

/** One thing that is not as it was recorded. */
export interface Change {
  /** `body.message.:body.message.:ssl_msg.:action`, by the names of the format. */
  readonly path: string;
  /** Undefined where it was not there. */
  readonly recorded: string | undefined;
  readonly replayed: string | undefined;
}

/** Further ones say nothing that these do not. */
const MAX_CHANGES = 50;

const shownOrNone = (normalized: Normalized | undefined): string | undefined =>
  normalized && normalizedText(normalized);

const under = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`);

/** Ms that lie between a message's coming and the moment that the recorded bridge had sent what it made of it. */
const TIME_TOLERANCE_MS = 2_000;

/** In a legacy envelope and in the envelope of a Choria reply: below these all is a node's own, whatever it is called. */
const WRITTEN_AT = /^body(?:\.base64)?\.message\.:msgtime$|^body\.data\.message\.envelope\.time$/;

/** Moments at which the bridge itself wrote something down, and the ms of their unit. */
const unitOf = (path: string, recorded: Normalized | undefined): number | undefined => {
  if (path === 'headers.timestamp' || path === 'headers.expires') return 1;
  // Of a reply, for that of a request is signed by whoever made it.
  if (typeof recorded !== 'string') return undefined;
  return WRITTEN_AT.test(path) ? 1_000 : undefined;
};

const isSameMoment = (path: string, a: Normalized, b: Normalized, isReply: boolean): boolean => {
  const unit = unitOf(path, a);
  if (unit === undefined || (unit !== 1 && !isReply)) return false;
  return Math.abs(Number(a) - Number(b)) * unit <= TIME_TOLERANCE_MS;
};

/** A reply bears no caller. */
const isReplyTree = (tree: ReadonlyMap<string, Normalized>): boolean =>
  tree.has(':senderagent') || tree.get('protocol') === '"choria:reply:1"';

interface Walk {
  readonly changes: Change[];
  readonly isReply: boolean;
}

const walk = (a: Normalized | undefined, b: Normalized | undefined, path: string, it: Walk): void => {
  const { changes } = it;
  if (changes.length >= MAX_CHANGES || a === b) return;
  if (a !== undefined && b !== undefined) {
    if (isTree(a) && isTree(b)) {
      const isReply = it.isReply || isReplyTree(a);
      for (const key of new Set([...a.keys(), ...b.keys()]))
        walk(a.get(key), b.get(key), under(path, key), { changes, isReply });
      return;
    }
    if (!isTree(a) && !isTree(b) && typeof a !== 'string' && typeof b !== 'string') {
      for (let i = 0; i < Math.max(a.length, b.length); i++) walk(a[i], b[i], `${path}[${i}]`, it);
      return;
    }
    if (isSameMoment(path, a, b, it.isReply)) return;
  }
  changes.push({ path, recorded: shownOrNone(a), replayed: shownOrNone(b) });
};

/** How a message differs from the recorded one; nothing where both say the same. */
export const changesBetween = (recorded: Normalized, replayed: Normalized): readonly Change[] => {
  const changes: Change[] = [];
  walk(recorded, replayed, '', { changes, isReply: false });
  return changes;
};
