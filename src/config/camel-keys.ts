/** `max_ttl` as `maxTtl`. */
type Camel<K> = K extends `${infer Head}_${infer Tail}` ? `${Head}${Capitalize<Camel<Tail> & string>}` : K;

type Fixed<V> = V extends readonly (infer E)[] ? readonly E[] : V;

/** A section of the file as the code has it. */
export type CamelKeys<T> = { readonly [K in keyof T as Camel<K>]: Fixed<T[K]> };

const camel = (key: string): string => key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** So each key is written once, in its schema. What is below a key stays as it is. */
export const camelKeys = <T extends object>(section: T): CamelKeys<T> => {
  const entries = Object.entries(section).map(([key, value]) => [camel(key), value]);
  return Object.fromEntries(entries);
};
