import type { Home } from './message.ts';

/**
 * The same function, which makes its text once for each way home: replies to one request share that of their token, and
 * are many. What it made is kept for as long as somebody else keeps the way home.
 */
export const oncePerHome = (make: (home: Home) => string): ((home: Home) => string) => {
  const made = new WeakMap<Home, string>();
  return (home) => {
    const known = made.get(home);
    if (known !== undefined) return known;
    const text = make(home);
    made.set(home, text);
    return text;
  };
};
