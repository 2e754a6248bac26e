import distanceOf from 'damerau-levenshtein';

const plain = (text: string): string => text.toLowerCase().replaceAll('-', '_');

/** The name in `known` that `text` was probably meant to be, or undefined where none is near enough to say. */
export const nearest = (text: string, known: readonly string[]): string | undefined => {
  let best: { readonly name: string; readonly steps: number } | undefined;
  for (const name of known) {
    const bound = Math.max(1, Math.floor(Math.max(text.length, name.length) / 3));
    // The package sets up a square as wide as the longer text, so a text that is too long anyway is not handed to it.
    if (Math.abs(text.length - name.length) > bound) continue;
    const { steps } = distanceOf(plain(text), plain(name));
    if (steps <= bound && (best === undefined || steps < best.steps)) best = { name, steps };
  }
  return best?.name;
};
