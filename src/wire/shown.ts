/**
 * Somebody else's text for a sentence: quoted, and no longer than a log line bears.
 * @param longest characters that are kept
 */
export const shown = (text: string, longest = 80): string =>
  JSON.stringify(text.length > longest ? `${text.slice(0, longest)}…` : text);
