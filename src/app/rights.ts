import { isDeepStrictEqual } from 'node:util';
import { delegateLink } from '../transport/delegate-link.ts';
import { pauseAfter } from '../transport/denied.ts';
import { isOfRights } from '../transport/failure/failure.ts';
import { type Denial, type Link, LinkError, type Need, type Right } from '../transport/link.ts';
import { type IsPart, partOf, type Requirement } from '../transport/requirement.ts';

export interface RightsOptions {
  /** All rights that the bridge needs on the broker. */
  readonly requirements: readonly Requirement[];
  /** What to write into the broker's configuration. */
  readonly grantOf: (right: Right) => string;
  /** Ms. */
  readonly backoff: { readonly initial: number; readonly max: number };
  /** The broker refuses a right to publish that the bridge needs; called after each refusal. */
  readonly onMissing: (denial: Denial, requirement: Requirement) => void;
  readonly onGranted: (requirement: Requirement) => void;
  /** A single message was refused: the right as a whole is there, or is none that the bridge needs of itself. */
  readonly onRefused: (denial: Denial, requirement: Requirement | undefined) => void;
}

/** A right to publish that is in doubt: a message was refused. */
interface Doubt {
  refusals: number;
  /** Why it is missing; undefined while that is not known, and where it is there. */
  error: LinkError | undefined;
  again: NodeJS.Timeout | undefined;
  isAsked: boolean;
}

/**
 * Which of the rights to publish that a bridge needs are missing. A broker reports each message that it refuses, and reports nothing for a
 * message that it takes. So after a refusal the bridge asks for a proof of the right; if that is refused too, the right is
 * missing, and the bridge asks again and again, and on each new connection, until it is granted. What senders choose within a
 * right, an agent or a place for replies, makes nothing missing by itself, and is not kept.
 */
export class Rights {
  readonly #options: RightsOptions;
  #parts: readonly (readonly [Requirement, IsPart])[];
  /** At most one for each requirement. */
  readonly #doubts = new Map<Requirement, Doubt>();
  #link: Link | undefined;

  constructor(options: RightsOptions) {
    this.#options = options;
    this.#parts = options.requirements.map((requirement) => [requirement, partOf(requirement)]);
  }

  /** Something else is needed from now on. What is missing of that is found out anew. */
  require(requirements: readonly Requirement[]): void {
    if (
      isDeepStrictEqual(
        requirements,
        this.#parts.map(([requirement]) => requirement),
      )
    )
      return;
    this.#parts = requirements.map((requirement) => [requirement, partOf(requirement)]);
    for (const { again } of this.#doubts.values()) clearTimeout(again);
    this.#doubts.clear();
  }

  /** The first requirement that a right is a part of. */
  requirementOf(right: Right): Requirement | undefined {
    return this.#parts.find(([, isPart]) => isPart(right))?.[0];
  }

  /** @param error why it is refused */
  needOf({ purpose, right, grant }: Requirement, error: LinkError): Need {
    const hint = isOfRights(error) ? undefined : error.hint();
    const line = this.#options.grantOf({ ...right, destination: grant });
    return { purpose, hint: hint ?? `let this user do so on the broker: ${line}` };
  }

  /** The link, with what is missing in its state: of each requirement once, however many destinations are a part of it. */
  watch(link: Link): Link {
    this.#link = link;
    return {
      ...delegateLink(link),
      close: () => {
        for (const { again } of this.#doubts.values()) clearTimeout(again);
        this.#link = undefined;
        return link.close();
      },
      state: () => {
        const { denied: subscriptions = [], ...state } = link.state();
        const denied = [...this.#grouped(subscriptions), ...(state.up ? this.#missing() : [])];
        return denied.length === 0 ? state : { ...state, denied };
      },
    };
  }

  /** The broker has refused a message. */
  refused(denial: Denial): void {
    const requirement = this.requirementOf(denial.right);
    if (requirement === undefined) {
      this.#options.onRefused(denial, undefined);
      return;
    }
    if (this.#doubts.has(requirement)) return;
    const doubt: Doubt = { refusals: 0, error: undefined, again: undefined, isAsked: false };
    this.#doubts.set(requirement, doubt);
    void this.#prove(requirement, doubt).then((isThere) => {
      if (isThere) this.#options.onRefused(denial, requirement);
    });
  }

  /** Another server may grant other rights. */
  connected(): void {
    for (const [requirement, doubt] of this.#doubts)
      if (doubt.error !== undefined) void this.#prove(requirement, doubt);
  }

  /** @returns whether the right is there; undefined when that could not be learned */
  async #prove(requirement: Requirement, doubt: Doubt): Promise<boolean | undefined> {
    const { backoff, onMissing, onGranted } = this.#options;
    if (doubt.isAsked) return undefined;
    doubt.isAsked = true;
    clearTimeout(doubt.again);
    try {
      await this.#link?.prove?.(requirement.right);
      const wasMissing = doubt.error !== undefined;
      doubt.error = undefined;
      // Not for each of many messages at once.
      doubt.again = setTimeout(() => this.#doubts.delete(requirement), backoff.initial).unref();
      if (wasMissing) onGranted(requirement);
      return true;
    } catch (error) {
      if (!(error instanceof LinkError)) throw error;
      if (error.code === 'refused') {
        doubt.error = error;
        doubt.refusals++;
        onMissing({ right: requirement.right, error, need: this.needOf(requirement, error) }, requirement);
      }
      if (doubt.error === undefined) this.#doubts.delete(requirement);
      else if (this.#link !== undefined && this.#doubts.get(requirement) === doubt) {
        const pause = pauseAfter(doubt.refusals, backoff);
        doubt.again = setTimeout(() => void this.#prove(requirement, doubt), pause).unref();
      }
      return error.code === 'refused' ? false : undefined;
    } finally {
      doubt.isAsked = false;
    }
  }

  #missing(): readonly Denial[] {
    return [...this.#doubts].flatMap(([requirement, { error }]) =>
      error === undefined ? [] : [{ right: requirement.right, error, need: this.needOf(requirement, error) }],
    );
  }

  #grouped(denied: readonly Denial[]): readonly Denial[] {
    const groups = new Map<Requirement | Denial, Denial>();
    for (const denial of denied) {
      const requirement = this.requirementOf(denial.right);
      const group = requirement ?? denial;
      if (groups.has(group)) continue;
      const need = requirement && this.needOf(requirement, denial.error);
      groups.set(group, need === undefined ? denial : { ...denial, need });
    }
    return [...groups.values()];
  }
}
