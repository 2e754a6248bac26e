import type { OwnWire } from '../adapters/kit/own-wire.ts';
import type { Container } from './context.ts';
import { fieldsOf, SECOND_MS } from './fields.ts';
import { objection } from './problem.ts';
import { layerOf } from './tree.ts';

/** Messages in a format that only an adapter knows, for decoding with a configuration that has it. */
export const ownMessages = (wire: OwnWire): Container => ({
  holds: (map) => wire.holds(map),
  read: ({ bytes, map, problems }) =>
    layerOf('own', {
      bytes: bytes.length,
      fields: fieldsOf(map, { times: { time: SECOND_MS }, ttlFrom: 'time' }),
      problems: problems.length > 0 ? problems : objection(bytes, () => wire.check(map)),
    }),
});
