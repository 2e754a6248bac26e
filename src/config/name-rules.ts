/** What the callers of one side are called. */
export interface NameRules {
  /** For sentences: `cert=<name>`. */
  readonly form: string;
  /**
   * Whether a caller id may begin with this word: on the ingress's side, whether a signature can prove it; on the egress's,
   * whether the bridge can sign for it. `seldom`: it can be, and is hardly meant.
   */
  type(type: string): 'yes' | 'seldom' | 'no';
}
