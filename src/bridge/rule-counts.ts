/** How often each rule did something on each route. */
export interface RuleCount {
  readonly route: string;
  readonly rule: string;
  readonly count: number;
}

/** More than policies have rules; a reload may bring others, under other names. */
const MAX_RULES = 5_000;
/** In whose name the others are counted. */
const OTHER = 'other';

export class RuleCounts {
  readonly #counts = new Map<string, { readonly route: string; readonly rule: string; count: number }>();

  add(route: string, rule: string): void {
    const key = `${route}\n${rule}`;
    const known = this.#counts.get(key);
    if (known !== undefined) known.count++;
    else if (this.#counts.size < MAX_RULES || rule === OTHER)
      this.#counts.set(key, { route, rule, count: 1 });
    else this.add(route, OTHER);
  }

  all(): readonly RuleCount[] {
    return [...this.#counts.values()];
  }
}
