import { posix } from 'node:path';
import type { Evaluator } from '../evaluator.ts';
import { DIALECTS, type Dialect, type DialectName } from './dialects.ts';
import { actionPolicy, type PolicyFile } from './evaluator.ts';
import type { LineFault } from './fault.ts';
import { groupFaults, lineFaults } from './faults.ts';
import { GROUPS_FILE, POLICY_END, type PolicyFiles } from './files.ts';
import { type GroupsFile, readGroups } from './groups.ts';
import { readPolicyFile } from './policy-file.ts';

export interface ActionPolicySettings {
  /** As sentences name it. */
  readonly folder: string;
  readonly dialect: DialectName;
  /** A text is taken as the dialect takes it in a server's configuration. */
  readonly allowUnconfigured?: boolean | string;
  readonly enableDefault?: boolean | string;
  readonly defaultName?: string;
  /** What is said where it depends on a node. `defer` unless told. */
  readonly unknown?: 'defer' | 'deny';
  /** Whether what the originals pass over in silence is an error. True unless told. */
  readonly strict?: boolean;
}

/** What is wrong in a file. */
export interface FileProblem {
  readonly file: string;
  /** Both counted from 1; undefined where it is about the whole file. */
  readonly line?: number;
  readonly column?: number;
  readonly message: string;
}

export interface ActionPolicyFolder {
  readonly evaluator: Evaluator;
  readonly errors: readonly FileProblem[];
  readonly warnings: readonly FileProblem[];
}

export const isTrue = (option: boolean | string | undefined, dialect: Dialect): boolean =>
  typeof option === 'string' ? dialect.isTrue(option) : option === true;

const EMPTY: GroupsFile = { groups: new Map() };

/** Reads a folder of ActionPolicy's files as one of its implementations does. */
class FolderReader {
  readonly #settings: ActionPolicySettings;
  readonly #dialect: Dialect;
  readonly #files: PolicyFiles;
  readonly #problems: FileProblem[] = [];

  constructor(settings: ActionPolicySettings, files: PolicyFiles) {
    this.#settings = settings;
    this.#dialect = DIALECTS[settings.dialect];
    this.#files = files;
  }

  read(): ActionPolicyFolder {
    const {
      enableDefault,
      defaultName = 'default',
      unknown = 'defer',
      strict = true,
      folder,
    } = this.#settings;
    const { groups, fatal } = this.#groups();
    const policies = this.#policies(groups);
    const standby = isTrue(enableDefault, this.#dialect)
      ? policies.get(`${defaultName}${POLICY_END}`)
      : undefined;
    const allowsByDefault = isTrue(this.#settings.allowUnconfigured, this.#dialect);
    const evaluator = actionPolicy({
      fileOf: (agent) => policies.get(`${agent}${POLICY_END}`) ?? standby,
      folder,
      allowsByDefault,
      allowsWithoutFile: allowsByDefault && this.#dialect.allowsWithoutFile,
      unknown,
      ...(fatal === undefined
        ? {}
        : { fatal: { rule: `${this.#path(GROUPS_FILE)}:${fatal.line}`, why: fatal.why } }),
    });
    const [errors, warnings] = strict ? [this.#problems, []] : [[], this.#problems];
    return { evaluator, errors, warnings };
  }

  #path(name: string): string {
    return posix.join(this.#settings.folder, name);
  }

  #note(
    name: string,
    message: string,
    place: { readonly line?: number; readonly column?: number } = {},
  ): void {
    this.#problems.push({ file: this.#path(name), ...place, message });
  }

  #noteAll(name: string, faults: readonly LineFault[]): void {
    for (const { line, at, message } of faults) this.#note(name, message, { line, column: at + 1 });
  }

  #groups(): GroupsFile {
    const bytes = this.#files.get(GROUPS_FILE);
    if (bytes === undefined) return EMPTY;
    if (typeof bytes === 'string') {
      this.#note(GROUPS_FILE, bytes);
      return EMPTY;
    }
    this.#noteAll(GROUPS_FILE, groupFaults(bytes, this.#dialect));
    return readGroups(bytes, this.#dialect);
  }

  #policies(groups: GroupsFile['groups']): ReadonlyMap<string, PolicyFile> {
    const policies = new Map<string, PolicyFile>();
    for (const [name, bytes] of this.#files) {
      if (!name.endsWith(POLICY_END)) continue;
      const path = this.#path(name);
      if (typeof bytes === 'string') {
        this.#note(name, bytes);
        policies.set(name, { path, entries: [{ kind: 'fatal', line: 1, text: '', why: bytes }] });
        continue;
      }
      const entries = readPolicyFile(bytes, groups, this.#dialect);
      this.#noteAll(name, lineFaults(entries, groups, this.#dialect));
      policies.set(name, { path, entries });
    }
    return policies;
  }
}

export const readActionPolicy = (settings: ActionPolicySettings, files: PolicyFiles): ActionPolicyFolder =>
  new FolderReader(settings, files).read();
