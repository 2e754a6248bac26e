import { RubySymbol } from './value.ts';

/**
 * The names that nearly every message holds. Their symbols are made once, which spares the decoder the making
 * of a string for most keys. The list is fixed: a table that grows with what strangers send would be a leak.
 */
const NAMES = [
  'E',
  'encoding',
  'offset',
  'zone',
  'nano_num',
  'nano_den',
  'submicro',
  '@hash',
  'Set',
  'Time',
  'body',
  'senderid',
  'requestid',
  'senderagent',
  'filter',
  'collective',
  'agent',
  'callerid',
  'ttl',
  'msgtime',
  'hash',
  'ssl_msg',
  'ssl_ttl',
  'ssl_msgtime',
  'action',
  'caller',
  'data',
  'process_results',
  'statuscode',
  'statusmsg',
  'fact',
  'operator',
  'value',
];

const SLOTS = 256;

/** Spreads the names above over the slots; need not be perfect, because a slot holds a list. */
const slotOf = (length: number, first: number, last: number): number =>
  (length * 37 + first * 3 + last * 11) & (SLOTS - 1);

const table: RubySymbol[][] = Array.from({ length: SLOTS }, () => []);
for (const name of NAMES)
  table[slotOf(name.length, name.charCodeAt(0), name.charCodeAt(name.length - 1))]?.push(
    new RubySymbol(name),
  );

/** The symbol of the ASCII name in these bytes, if it is one of the protocols' own. */
export const knownSymbol = (bytes: Uint8Array, start: number, end: number): RubySymbol | undefined => {
  const length = end - start;
  const slot = table[slotOf(length, bytes[start] ?? 0, bytes[end - 1] ?? 0)];
  if (slot === undefined) return undefined;
  next: for (let i = 0; i < slot.length; i++) {
    const symbol = slot[i];
    if (symbol?.name.length !== length) continue;
    for (let j = 0; j < length; j++) if (symbol.name.charCodeAt(j) !== bytes[start + j]) continue next;
    return symbol;
  }
  return undefined;
};
