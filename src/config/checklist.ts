import type { Place } from './files.ts';
import { formatPath, type KeyPath } from './problem.ts';

/** One line of the report. */
export interface Finding {
  /** A warning does not stop the bridge from working today; `skipped` could not be looked at because of a problem. */
  readonly status: 'ok' | 'warning' | 'problem' | 'skipped';
  /** The key that it is about. */
  readonly path: string;
  readonly message: string;
  /** How to put it right. */
  readonly mend?: string;
  /** A problem with which a bridge cannot start: whatever the network and the clock say, this file is of no use. */
  readonly stops?: true;
  /** The same for programs, where there is more than a sentence. */
  readonly detail?: Detail;
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export type Detail = Readonly<Record<string, unknown>>;

/** Collects findings, each with the place in the configuration that it is about. */
export class Checklist {
  readonly #place: Place;
  readonly #findings: Finding[];
  readonly #stops: boolean;

  constructor(
    place: Place,
    { findings = [], stops = true }: { readonly findings?: Finding[]; readonly stops?: boolean } = {},
  ) {
    this.#place = place;
    this.#findings = findings;
    this.#stops = stops;
  }

  /** The same list, for files that a bridge can start without, such as the key of one of many callers. */
  get spare(): Checklist {
    return new Checklist(this.#place, { findings: this.#findings, stops: false });
  }

  get findings(): readonly Finding[] {
    return this.#findings;
  }

  ok(path: KeyPath, message: string, detail?: Detail): void {
    this.#add('ok', path, message, undefined, { detail });
  }

  warning(path: KeyPath, message: string, mend: string, detail?: Detail): void {
    this.#add('warning', path, message, mend, { detail });
  }

  problem(path: KeyPath, message: string, mend: string, detail?: Detail): void {
    this.#add('problem', path, message, mend, { detail });
  }

  /** A problem with a file that the bridge cannot be without. */
  unusable(path: KeyPath, message: string, mend: string): void {
    this.#add('problem', path, message, mend, { stops: this.#stops });
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

  #add(
    status: Finding['status'],
    path: KeyPath,
    message: string,
    mend?: string,
    { stops = false, detail }: { readonly stops?: boolean; readonly detail?: Detail | undefined } = {},
  ): void {
    const { file, at } = this.#place;
    this.#findings.push({
      status,
      path: formatPath(path),
      message,
      ...(mend === undefined ? {} : { mend }),
      ...(stops ? { stops } : {}),
      ...(detail === undefined ? {} : { detail }),
      file,
      ...at(path),
    });
  }
}
