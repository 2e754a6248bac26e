import { cut, quoted } from '../envelope/text.ts';

/**
 * A text from outside for a sentence: quoted, and no longer than a log line bears.
 * @param longest bytes that are kept
 */
export const shown = (text: string, longest = 80): string => quoted(cut(text, longest));
