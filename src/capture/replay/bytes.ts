import { isRejected } from '../file/format.ts';
import type { Change } from './compare.ts';
import type { ComparedMessage } from './compared-message.ts';

const EXCERPT_BYTES = 16;

const excerpt = (bytes: Buffer, offset: number): string =>
  `${bytes.length} bytes, …${JSON.stringify(bytes.toString('latin1', Math.max(0, offset - EXCERPT_BYTES), offset + EXCERPT_BYTES))}…`;

const bodyChange = (a: Buffer, b: Buffer): readonly Change[] => {
  if (a.equals(b)) return [];
  let offset = 0;
  while (offset < a.length && a[offset] === b[offset]) offset++;
  return [{ path: `body, byte ${offset}`, recorded: excerpt(a, offset), replayed: excerpt(b, offset) }];
};

/** How a message differs from the recorded one in its bytes, whatever they mean. */
export const byteChanges = (recorded: ComparedMessage, replayed: ComparedMessage): readonly Change[] => {
  if (isRejected(recorded.entry) || isRejected(replayed.entry)) return [];
  const [a, b] = [recorded.entry, replayed.entry];
  const texts: Change[] = [];
  const compare = (path: string, one: string | undefined, other: string | undefined): void => {
    if (one !== other) texts.push({ path, recorded: one, replayed: other });
  };
  compare('destination', a.destination, b.destination);
  compare('reply_to', a.reply_to, b.reply_to);
  const names = new Set([...Object.keys(a.headers ?? {}), ...Object.keys(b.headers ?? {})]);
  for (const name of names) compare(`headers.${name}`, a.headers?.[name], b.headers?.[name]);
  return [...texts, ...bodyChange(recorded.body, replayed.body)];
};
