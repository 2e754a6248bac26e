import { quoted } from '../envelope/text.ts';
import type { Evaluator, Explained, Outcome, PassedOver } from './evaluator.ts';

type Fit = 'yes' | 'no' | 'error';

/** `*`, `agent.*` or `agent.action`, as tokens have them. */
const fits = (entry: string, agent: string, action: string): Fit => {
  if (entry === '*') return 'yes';
  const parts = entry.split('.');
  if (parts.length !== 2) return 'error';
  const [ofAgent, ofAction] = parts;
  return ofAgent === agent && (ofAction === '*' || ofAction === action) ? 'yes' : 'no';
};

/** Decides by the list of agents that a caller's token names. An entry that is none is an error where it is reached. */
class AgentList implements Evaluator {
  readonly #entries: readonly string[];
  readonly #source: string;

  constructor(entries: readonly string[], source: string) {
    this.#entries = entries;
    this.#source = source;
  }

  decide({ agent, action }: { readonly agent: string; readonly action: string | undefined }): Outcome {
    return this.#look(agent, action);
  }

  explain({ agent, action }: { readonly agent: string; readonly action: string | undefined }): Explained {
    const passed: PassedOver[] = [];
    return { ...this.#look(agent, action, passed), passed };
  }

  #look(agent: string, action: string | undefined, passed?: PassedOver[]): Outcome {
    if (action === undefined) return { verdict: 'allow', rule: `${this.#source}: discovery` };
    for (const entry of this.#entries) {
      const rule = `${this.#source}: ${quoted(entry)}`;
      const fit = fits(entry, agent, action);
      if (fit === 'yes') return { verdict: 'allow', rule };
      if (fit === 'error')
        return { verdict: 'deny', rule, reason: `${quoted(entry)} is no entry of the form agent.action` };
      passed?.push({ rule, why: `it is not for ${agent}.${action}` });
    }
    return {
      verdict: 'deny',
      rule: `${this.#source} (no entry)`,
      reason: `no entry is for ${agent}.${action}`,
    };
  }
}

/**
 * @param entries in their order
 * @param source what has them, as sentences name it
 */
export const agentList = (entries: readonly string[], source: string): Evaluator =>
  new AgentList(entries, source);
