/**
 * The seed of properties that compare two large programs in corners that nobody writes, such as two parsers of YAML. What
 * another seed finds there is one more case and says nothing of the change at hand, so that an ordinary run has always
 * the same; `npm run fuzz` has another each time, and prints it.
 */
export const seed = (): number => {
  const { PROPERTY_SEED } = process.env;
  if (PROPERTY_SEED === undefined) return 20_261_129;
  return PROPERTY_SEED === 'random' ? Math.floor(Math.random() * 2 ** 31) : Number(PROPERTY_SEED);
};

/**
 * How often a property is tried: a tenth as often in `npm test` as in `npm run test:long`, which tries the same files.
 * @param all in the long run
 */
export const runs = (all: number): number =>
  process.env['PROPERTY_RUNS'] === 'all' ? all : Math.ceil(all / 10);
