import { LRUCache } from 'lru-cache';
import { fieldText } from '../../adapters/mcollective/wire/text.ts';
import { RubyHash, type RubyValue } from '../../codec/ruby/index.ts';
import { isMap, type Value } from '../../envelope/value.ts';

/** Replies that may still go home. */
const MAX_REMEMBERED_REQUESTS = 1_000;

const isLiteral = (value: Value | undefined): value is number | bigint | boolean =>
  typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean';

/**
 * Numbers and booleans that `get_fact` has told Choria, by the reply: legacy clients get them as text, see `rpcutil.ts` of the
 * wire. Where one stays on that side, its text tells nothing more on this one, and a placeholder would not fit.
 */
export class FactValues {
  readonly #told = new LRUCache<string, string>({ max: MAX_REMEMBERED_REQUESTS });

  /** @param reply whose it is, and to what @param data as they are without what was replaced */
  tell(reply: string, data: Value): void {
    if (!isMap(data) || !data.has('fact')) return;
    const value = data.get('value');
    if (!isLiteral(value)) return;
    this.#told.set(reply, String(value));
  }

  /** The data of the same reply for a legacy client, where the fact is that. @param given as they were */
  keep(reply: string, clean: RubyValue, given: RubyValue): RubyValue {
    const told = this.#told.get(reply);
    if (told === undefined || !(clean instanceof RubyHash) || !(given instanceof RubyHash)) return clean;
    return new RubyHash(
      clean.entries.map(([key, value], i) => {
        const before = given.entries[i]?.[1];
        const isKept = fieldText(key) === 'value' && before !== undefined && fieldText(before) === told;
        return [key, isKept ? before : value];
      }),
    );
  }
}
