/** How many letters must be put in, left out, changed, or swapped with their neighbour to get from `a` to `b`. */
const distance = (a: string, b: string): number => {
  let beforeLast: readonly number[] = [];
  let last: readonly number[] = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1));
      if (a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, (beforeLast[j - 2] ?? 0) + 1);
      row.push(cost);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
};

const plain = (text: string): string => text.toLowerCase().replaceAll('-', '_');

/** The name in `known` that `text` was probably meant to be, or undefined where none is near enough to say. */
export const nearest = (text: string, known: readonly string[]): string | undefined => {
  let best: { readonly name: string; readonly steps: number } | undefined;
  for (const name of known) {
    const steps = distance(plain(text), plain(name));
    const bound = Math.max(1, Math.floor(Math.max(text.length, name.length) / 3));
    if (steps <= bound && (best === undefined || steps < best.steps)) best = { name, steps };
  }
  return best?.name;
};
