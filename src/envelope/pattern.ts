/** What tells whether a text fits. A `RegExp` is one; what an operator writes becomes one that takes linear time. */
export interface Pattern {
  readonly source: string;
  /** Whether it matches anywhere. */
  test(text: string): boolean;
  /** The match and its groups, the first of several; null where there is none. */
  exec(text: string): readonly (string | undefined)[] | null;
}
