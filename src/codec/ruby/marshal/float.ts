/** A float as `w_float` in Ruby's marshal.c writes it: the shortest digits that say it, without a needless point. */
export const floatText = (value: number): string => {
  if (Number.isNaN(value)) return 'nan';
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  const sign = value < 0 ? '-' : '';
  const magnitude = Math.abs(value);
  if (magnitude === Number.POSITIVE_INFINITY) return `${sign}inf`;
  const scientific = magnitude.toExponential();
  const e = scientific.indexOf('e');
  const digits = scientific.slice(0, e).replace('.', '');
  // Where the decimal point is, counted from before the first digit.
  const point = Number(scientific.slice(e + 1)) + 1;
  if (point < -3 || point > digits.length) {
    const rest = digits.length > 1 ? `.${digits.slice(1)}` : '';
    return `${sign}${digits.slice(0, 1)}${rest}e${point - 1}`;
  }
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`;
  const fraction = digits.slice(point);
  return `${sign}${digits.slice(0, point)}${fraction === '' ? '' : `.${fraction}`}`;
};

const float = new Float64Array(1);
const words = new Uint32Array(float.buffer);

/**
 * Whether 64-bit Ruby holds the float in a machine word, so that equal ones are one object and Marshal links them
 * (`rb_float_new_inline`): zero, and those whose exponent is in the middle half.
 */
export const isFlonum = (value: number): boolean => {
  if (Object.is(value, 0)) return true;
  float[0] = value;
  const high = words[1] ?? 0;
  const bits = (high >>> 28) & 7;
  return (bits === 3 || bits === 4) && !(high === 0x3000_0000 && words[0] === 0);
};
