/** One measured series; ratios are against the row that the series names as its yardstick. */
export interface BenchRow {
  readonly label: string;
  readonly perSecond: number;
  readonly ratio?: number;
}

export interface BenchResult {
  readonly name: string;
  /** The ratio that is wanted, and of what. */
  readonly goal?: string;
  readonly rows: readonly BenchRow[];
}

export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted[Math.floor(sorted.length / 2)];
  if (middle === undefined) throw new Error('no values to take the median of');
  return middle;
};

/** NaN of nothing. */
export const percentile = (values: readonly number[], share: number): number => {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
};

/** Runs the contestants in turn, round after round, and gives each one's median rate, so that noise hits all alike. */
export const interleave = async (
  rounds: number,
  contestants: Readonly<Record<string, () => number | Promise<number>>>,
): Promise<Record<string, number>> => {
  const rates = new Map<string, number[]>(Object.keys(contestants).map((label) => [label, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [label, run] of Object.entries(contestants)) rates.get(label)?.push(await run());
  }
  return Object.fromEntries([...rates].map(([label, values]) => [label, median(values)]));
};

export const print = ({ name, goal, rows }: BenchResult): void => {
  console.log(`\n${name}${goal === undefined ? '' : `  (goal: ${goal})`}`);
  for (const { label, perSecond, ratio } of rows) {
    const rate = Math.round(perSecond).toLocaleString('en-US').padStart(12);
    console.log(`  ${label.padEnd(46)} ${rate}${ratio === undefined ? '' : `   ${ratio.toFixed(2)}`}`);
  }
};
