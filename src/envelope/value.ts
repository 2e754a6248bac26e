/**
 * The neutral value model: what both protocols can say, in one set of types.
 *
 * Integers are `number` while they are safe integers and `bigint` beyond. A `number` that is not an integer
 * (incl. Infinity and NaN) is a float; a float whose value is integral needs {@link Float}, because
 * JavaScript cannot tell `3` from `3.0` and Ruby agents can. `Uint8Array` is binary text.
 */
export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Float
  | Uint8Array
  | readonly Value[]
  | ValueMap;

/** A hash with text keys, in the order in which they were written. */
export type ValueMap = ReadonlyMap<string, Value>;

/** A float with an integral value (`3.0`, `-0.0`, `1e300`). */
export class Float {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

/** The float `value` in its canonical form in the model. */
export const float = (value: number): number | Float => (Number.isInteger(value) ? new Float(value) : value);

/** The integer `value` in its canonical form in the model. */
export const integer = (value: bigint): number | bigint =>
  value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;

export const isMap = (value: Value): value is ValueMap => value instanceof Map;

/** Of the entries that are not undefined. */
export const mapOf = (entries: Readonly<Record<string, Value | undefined>>): ValueMap =>
  new Map(
    Object.entries(entries).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])),
  );
