import { z } from 'zod';

/**
 * What goes through a control socket. Who asks sends one line, `{ "order": "reload", … }`; the bridge sends any number of
 * `{ "line": … }` and then one `{ "answer": … }`, or `{ "refused": "why" }`, and closes. Spaces may come before each.
 */
export const asked = z.looseObject({ order: z.string() });

/** An order, and what else was said with it. */
export type Asked = z.output<typeof asked>;

export const told = z.union([
  z.strictObject({ line: z.unknown() }),
  z.strictObject({ answer: z.unknown() }),
  z.strictObject({ refused: z.string() }),
]);

/** A line of the bridge's. */
export type Told = z.output<typeof told>;

/** An order that is not carried out; a sentence says why. */
export class OrderRefused extends Error {
  override readonly name = 'OrderRefused';
}

/** Bytes of the line that asks. */
export const MAX_ORDER_BYTES = 64 * 1024;
