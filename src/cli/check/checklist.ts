import type { LoadedConfig } from '../../config/load.ts';
import { formatPath, type KeyPath } from '../../config/problem.ts';

/** One line of the report. */
export interface Finding {
  /** A warning does not stop the bridge from working today; `skipped` could not be looked at because of a problem. */
  readonly status: 'ok' | 'warning' | 'problem' | 'skipped';
  /** The key that it is about. */
  readonly path: string;
  readonly message: string;
  /** How to put it right. */
  readonly mend?: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** Collects findings, each with the place in the configuration that it is about. */
export class Checklist {
  readonly #loaded: Pick<LoadedConfig, 'file' | 'at'>;
  readonly #findings: Finding[] = [];

  constructor(loaded: Pick<LoadedConfig, 'file' | 'at'>) {
    this.#loaded = loaded;
  }

  get findings(): readonly Finding[] {
    return this.#findings;
  }

  ok(path: KeyPath, message: string): void {
    this.#add('ok', path, message);
  }

  warning(path: KeyPath, message: string, mend: string): void {
    this.#add('warning', path, message, mend);
  }

  problem(path: KeyPath, message: string, mend: string): void {
    this.#add('problem', path, message, mend);
  }

  skipped(path: KeyPath, message: string): void {
    this.#add('skipped', path, message);
  }

  /** Whether anything at this key or below it is a problem. */
  hasProblem(path: KeyPath): boolean {
    const above = formatPath(path);
    return this.#findings.some(
      (it) =>
        it.status === 'problem' &&
        (it.path === above || it.path.startsWith(`${above}.`) || it.path.startsWith(`${above}[`)),
    );
  }

  #add(status: Finding['status'], path: KeyPath, message: string, mend?: string): void {
    const { file, at } = this.#loaded;
    this.#findings.push({
      status,
      path: formatPath(path),
      message,
      ...(mend === undefined ? {} : { mend }),
      file,
      ...at(path),
    });
  }
}
