import { isToken } from '../../../envelope/check.ts';
import type { Groups } from '../callers.ts';
import type { Dialect } from '../dialects.ts';
import { isCertain } from '../effects.ts';
import type { Entry, Rule } from '../policy-file.ts';
import { importCallers } from './callers.ts';

/** A rule as it is written to a file. */
export interface ImportedRule {
  readonly name: string;
  readonly as?: readonly string[];
  readonly agents?: readonly string[];
  readonly verdict: 'allow' | 'deny' | 'defer';
  readonly reason?: string;
}

/** Rules and remarks, in the order of the lines that they are of. */
export type Imported = ImportedRule | { readonly comment: string };

/** The file that they are of. */
export interface Source {
  readonly file: string;
  /** Undefined: of all agents that have no file of their own. */
  readonly agent: string | undefined;
  readonly entries: readonly Entry[];
  readonly allowsByDefault: boolean;
}

const ERROR_REASON = 'the policy has an error in a line that this request reaches';

/** Whether what comes behind an entry can allow anything. */
const mayAllowAfter = (entries: readonly Entry[], index: number, allowsByDefault: boolean): boolean =>
  allowsByDefault ||
  entries.slice(index + 1).some((it) => it.kind === 'rule' && it.fields.verdict === 'allow' && it.node.yes);

/** What rules write for the actions of a line; undefined: they have no words for it. */
const agentsOf = ({ actions }: Rule, agent: string | undefined): readonly string[] | 'all' | undefined => {
  if (actions === undefined) return agent === undefined ? 'all' : [agent];
  const real = [...new Set(actions.filter((it) => /^[\w-]+$/.test(it)))];
  if (agent === undefined && real.length > 0) return undefined;
  return real.map((it) => `${agent}.${it}`);
};

/** Makes rules of one line. */
class LineImport {
  readonly #entry: Entry & Rule;
  readonly #source: Source;
  readonly #name: string;
  readonly #agents: readonly string[] | 'all' | undefined;
  readonly made: Imported[] = [];

  constructor(entry: Entry & Rule, source: Source) {
    this.#entry = entry;
    this.#source = source;
    this.#name = `${source.file}.${entry.line}`;
    this.#agents = agentsOf(entry, source.agent);
  }

  run(groups: Groups, dialect: Dialect, mayAllowLater: boolean): readonly Imported[] {
    const { entries, beyond, failsOthers } = importCallers(this.#entry.fields.callers, groups, dialect);
    this.#match(entries, beyond, mayAllowLater);
    if (failsOthers) this.#others(entries ?? []);
    return this.made;
  }

  #match(entries: readonly string[] | undefined, beyond: readonly string[], mayAllowLater: boolean): void {
    const { fields, node } = this.#entry;
    const isUncertain = !isCertain(node);
    if (Array.isArray(this.#agents) && this.#agents.length === 0) {
      this.#say('no action is called so, and the line matches none');
      return;
    }
    if (!node.yes && !node.error) {
      this.#say('no node has the facts and classes that it asks for');
      return;
    }
    if (isUncertain && !mayAllowLater && (fields.verdict === 'deny' || !node.yes)) {
      this.#say('it depends on the node, and what comes after refuses as well');
      return;
    }
    const isLeft = isUncertain || this.#agents === undefined;
    if (isUncertain) this.#say('it depends on facts or classes of the node, which decides');
    if (this.#agents === undefined)
      this.#say('rules name actions with their agents, so that nodes decide on these of all agents');
    this.#callers(
      entries,
      isLeft ? 'defer' : node.yes ? fields.verdict : 'deny',
      node.yes ? undefined : ERROR_REASON,
    );
    if (beyond.length === 0) return;
    this.#say(`rules have no words for ${beyond.join(' ')}, so that nodes decide whom it is for`);
    this.#rule('.others', undefined, 'defer');
  }

  /** Ruby compares callers first: a pattern that it cannot compile is an error for all actions. */
  #others(entries: readonly string[]): void {
    const { agent } = this.#source;
    const all = { name: `${this.#name}.error`, ...(agent !== undefined && { agents: [agent] }) };
    if (entries.length === 0) {
      this.made.push({ ...all, verdict: 'deny', reason: ERROR_REASON });
      return;
    }
    this.#say('all but the callers before the pattern that is none get an error, which rules cannot say');
    this.made.push({ ...all, verdict: 'defer' });
  }

  #callers(entries: readonly string[] | undefined, verdict: ImportedRule['verdict'], reason?: string): void {
    if (entries?.length === 0) this.#say('none of its callers can be one of a bridge');
    else this.#rule('', entries, verdict, reason);
  }

  #say(comment: string): void {
    this.made.push({ comment });
  }

  #rule(
    end: string,
    as: readonly string[] | undefined,
    verdict: ImportedRule['verdict'],
    reason?: string,
  ): void {
    this.made.push({
      name: `${this.#name}${end}`,
      ...(as !== undefined && { as }),
      ...(Array.isArray(this.#agents) && { agents: this.#agents }),
      verdict,
      ...(reason !== undefined && verdict === 'deny' && { reason }),
    });
  }
}

const ofAgent = (agent: string | undefined) => (agent === undefined ? {} : { agents: [agent] });

/** What a file of ActionPolicy is in rules, the default last. */
export const importFile = (source: Source, groups: Groups, dialect: Dialect): readonly Imported[] => {
  const { file, agent, entries, allowsByDefault } = source;
  if (agent !== undefined && !isToken(agent)) return [{ comment: `${file}: no agent is called ${agent}` }];
  const last = entries.findLast((it) => it.kind === 'default');
  const isOpen = last?.kind === 'default' ? last.allows : allowsByDefault;
  const made: Imported[] = [];
  for (const [index, entry] of entries.entries()) {
    if (entry.kind === 'nothing' || entry.kind === 'default') continue;
    made.push({ comment: `${file}:${entry.line}: ${entry.text}` });
    if (entry.kind === 'fatal') {
      made.push({ name: `${file}.${entry.line}`, ...ofAgent(agent), verdict: 'deny', reason: ERROR_REASON });
      return made;
    }
    if (entry.kind !== 'rule') made.push({ comment: 'the line is passed over' });
    else
      made.push(...new LineImport(entry, source).run(groups, dialect, mayAllowAfter(entries, index, isOpen)));
  }
  return [...made, { name: `${file}.default`, ...ofAgent(agent), verdict: isOpen ? 'allow' : 'deny' }];
};
