import type { Evaluator, Explained, Outcome, PassedOver, Question } from '../evaluator.ts';
import { type Effects, NO } from './effects.ts';
import { type Candidate, type Judgement, judge } from './judge.ts';
import type { Entry } from './policy-file.ts';
import { isPassedOver, whyOf } from './why.ts';

/** One file `*.policy`, ready to decide. */
export interface PolicyFile {
  /** As sentences name it. */
  readonly path: string;
  readonly entries: readonly Entry[];
}

export interface Settings {
  /** The file of an agent; undefined: it has none, and there is no default. */
  readonly fileOf: (agent: string) => PolicyFile | undefined;
  readonly folder: string;
  readonly allowsWithoutFile: boolean;
  readonly allowsByDefault: boolean;
  readonly unknown: 'defer' | 'deny';
  /** What ends each request that has a file: a line of `groups`. */
  readonly fatal?: { readonly rule: string; readonly why: string };
}

/** How many callers of a file are kept with the lines that are for them. */
const CALLERS_KEPT = 2000;

const UNKNOWN = 'it depends on facts or classes of the nodes, which are not known here';

const callerEffects = (entry: Entry, caller: string): Effects =>
  entry.kind === 'rule' ? entry.callers(caller) : NO;

const mayCount = ({ entry, caller }: Candidate): boolean =>
  entry.kind === 'fatal' || (entry.kind === 'rule' && (caller.yes || caller.error));

class ReadyFile {
  readonly path: string;
  readonly entries: readonly Entry[];
  readonly allowsByDefault: boolean;
  readonly defaultRule: string;
  readonly #byCaller = new Map<string, readonly Candidate[]>();

  constructor({ path, entries }: PolicyFile, allowsUnconfigured: boolean) {
    this.path = path;
    this.entries = entries;
    const last = entries.findLast((it) => it.kind === 'default');
    this.allowsByDefault = last?.kind === 'default' ? last.allows : allowsUnconfigured;
    this.defaultRule = last === undefined ? `${path} (its default)` : `${path}:${last.line}`;
  }

  candidates(caller: string): readonly Candidate[] {
    const known = this.#byCaller.get(caller);
    if (known !== undefined) return known;
    const found = this.all(caller).filter(mayCount);
    const [oldest] = this.#byCaller.keys();
    if (this.#byCaller.size >= CALLERS_KEPT && oldest !== undefined) this.#byCaller.delete(oldest);
    this.#byCaller.set(caller, found);
    return found;
  }

  all(caller: string): readonly Candidate[] {
    return this.entries.map((entry) => ({ entry, caller: callerEffects(entry, caller) }));
  }

  ruleOf({ decider }: Judgement): string {
    return decider === undefined ? this.defaultRule : `${this.path}:${decider.line}`;
  }
}

/** Decides by files of ActionPolicy. Callers are compared by the names that nodes will see. */
class ActionPolicy implements Evaluator {
  readonly #settings: Settings;
  readonly #ready = new WeakMap<PolicyFile, ReadyFile>();

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  decide({ agent, action, as: caller }: Question): Outcome {
    // The originals are asked about actions only.
    if (action === undefined) return { verdict: 'allow' };
    const file = this.#fileOf(agent);
    if (file === undefined) return this.#withoutFile(agent);
    const { fatal } = this.#settings;
    if (fatal !== undefined) return { verdict: 'deny', rule: fatal.rule };
    return this.#outcome(judge(file.candidates(caller), action, file.allowsByDefault), file);
  }

  explain(question: Question): Explained {
    const { agent, action, as: caller } = question;
    const outcome = this.decide(question);
    const file = this.#fileOf(agent);
    if (action === undefined || file === undefined || this.#settings.fatal !== undefined)
      return { ...outcome, passed: [] };
    const passed: PassedOver[] = [];
    for (const { entry, caller: effects } of file.all(caller)) {
      const rule = `${file.path}:${entry.line}`;
      if (!isPassedOver(entry, effects, action)) {
        if (rule === outcome.rule && outcome.rule !== file.defaultRule) break;
        continue;
      }
      if (rule === outcome.rule && outcome.verdict === 'defer') break;
      passed.push({ rule, why: whyOf(entry, effects, action, caller) });
    }
    return { ...outcome, passed };
  }

  #fileOf(agent: string): ReadyFile | undefined {
    const found = this.#settings.fileOf(agent);
    if (found === undefined) return undefined;
    const ready = this.#ready.get(found) ?? new ReadyFile(found, this.#settings.allowsByDefault);
    this.#ready.set(found, ready);
    return ready;
  }

  #withoutFile(agent: string): Outcome {
    const { allowsWithoutFile, folder } = this.#settings;
    const rule = `${folder} (no file)`;
    if (allowsWithoutFile) return { verdict: 'allow', rule };
    return { verdict: 'deny', rule, reason: `no policy is there for agent ${agent}` };
  }

  #outcome(judgement: Judgement, file: ReadyFile): Outcome {
    const rule = file.ruleOf(judgement);
    if (!judgement.refuses) return { verdict: 'allow', rule };
    if (!judgement.allows) return { verdict: 'deny', rule };
    return this.#settings.unknown === 'deny'
      ? { verdict: 'deny', rule, reason: UNKNOWN }
      : { verdict: 'defer', rule, reason: UNKNOWN };
  }
}

export const actionPolicy = (settings: Settings): Evaluator => new ActionPolicy(settings);
