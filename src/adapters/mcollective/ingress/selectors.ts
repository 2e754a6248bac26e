import { BRIDGE_MARKER } from '../wire/addressing.ts';

/**
 * ActiveMQ takes no STOMP header line above 10,240 bytes (`MAX_HEADER_LENGTH` in its StompWireFormat, not to be
 * configured). The rest is for the header's name, the marker and a long last entry.
 */
export const MAX_SELECTOR_CHARS = 9_000;

/** Identities that one subscription selects. */
export type Batch = ReadonlySet<string>;

// What a bridge sent is for the daemon itself: it stays in the queue.
const unmarked = (condition: string): string => `(${condition}) AND ${BRIDGE_MARKER} IS NULL`;

/** Directed frames of clients to these identities, as a JMS selector. */
export const namesSelector = (names: Iterable<string>): string =>
  unmarked(`mc_identity IN (${[...names].map(literal).join(',')})`);

/** Directed frames of clients to identities that any of these globs match, as few JMS selectors as hold them. */
export const globSelectors = (globs: readonly string[], room = MAX_SELECTOR_CHARS): readonly string[] =>
  packed(
    new Set(globs.map((glob) => `mc_identity LIKE ${literal(likePattern(glob))} ESCAPE '!'`)),
    OR,
    room,
  ).map((conditions) => unmarked([...conditions].join(OR)));

const OR = ' OR ';

const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

const LIKE: Readonly<Record<string, string>> = { '*': '%', '?': '_', '%': '!%', _: '!_', '!': '!!' };

/** A glob as SQL has it; `!` escapes, because STOMP would escape a backslash in its turn. */
const likePattern = (glob: string): string => glob.replace(/[*?%_!]/g, (character) => LIKE[character] ?? '');

/**
 * Shares identities out over subscriptions, such that few of those that stand change: one goes when an identity of
 * it has gone; a new identity comes into a new one, together with what others half empty hold, so that they never
 * become many.
 */
export const arrange = (
  current: readonly Batch[],
  wanted: ReadonlySet<string>,
  room = MAX_SELECTOR_CHARS,
): readonly Batch[] => {
  const standing = current.filter((batch) => [...batch].every((name) => wanted.has(name)));
  const placed = new Set(standing.flatMap((batch) => [...batch]));
  if (standing.length === current.length && placed.size === wanted.size) return current;
  const kept = standing.filter((batch) => sizeOf(batch) * 2 > room);
  const held = new Set(kept.flatMap((batch) => [...batch]));
  const loose = new Set([...wanted].filter((name) => !held.has(name)));
  return [...kept, ...packed(loose, "'',", room)];
};

const sizeOf = (batch: Batch): number => [...batch].reduce((sum, name) => sum + name.length + 3, 0);

/** In order, as many together as there is room for. */
const packed = (items: ReadonlySet<string>, between: string, room: number): readonly Batch[] => {
  const batches: Set<string>[] = [];
  let free = 0;
  for (const item of items) {
    const size = Buffer.byteLength(item) + between.length;
    if (size > free) {
      batches.push(new Set());
      free = room;
    }
    batches.at(-1)?.add(item);
    free -= size;
  }
  return batches;
};
