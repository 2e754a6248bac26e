import type { Session } from './session.ts';
import type { SessionLimits } from './settings.ts';

/** The sessions of a link, in all and by caller. */
export class Sessions {
  readonly #limits: Pick<SessionLimits, 'sessions' | 'sessionsPerCaller'>;
  readonly #all = new Map<string, Session>();
  readonly #counts = new Map<string, number>();

  constructor(limits: Pick<SessionLimits, 'sessions' | 'sessionsPerCaller'>) {
    this.#limits = limits;
  }

  get(id: string): Session | undefined {
    return this.#all.get(id);
  }

  all(): readonly Session[] {
    return [...this.#all.values()];
  }

  /** Whose limit a further one would break; undefined where there is room. */
  fullFor(caller: string): 'caller' | 'all' | undefined {
    if ((this.#counts.get(caller) ?? 0) >= this.#limits.sessionsPerCaller) return 'caller';
    return this.#all.size >= this.#limits.sessions ? 'all' : undefined;
  }

  add(session: Session): void {
    this.#all.set(session.id, session);
    this.#counts.set(session.who.caller, (this.#counts.get(session.who.caller) ?? 0) + 1);
  }

  remove({ id, who: { caller } }: Session): void {
    if (!this.#all.delete(id)) return;
    const left = (this.#counts.get(caller) ?? 1) - 1;
    if (left === 0) this.#counts.delete(caller);
    else this.#counts.set(caller, left);
  }
}
