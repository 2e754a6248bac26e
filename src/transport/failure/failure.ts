import { LinkError } from '../link.ts';
import { FAILURES, type FailureKind } from './table.ts';
import { CONFIG_NAMES, type ProtocolWords, type SettingNames } from './words.ts';

/** Characters of a server's own words that a sentence repeats. */
const MAX_DETAIL_CHARS = 400;

/** A link's error with its cause; the message is `<server>: <sentence>`. Holds no credentials. */
export class LinkFailure extends LinkError {
  readonly kind: FailureKind;
  readonly server: string;
  readonly detail: string;
  readonly #words: ProtocolWords;
  readonly #advice: string | undefined;

  constructor(
    words: ProtocolWords,
    server: string,
    kind: FailureKind,
    about = '',
    { advice, ...options }: ErrorOptions & { readonly advice?: string } = {},
  ) {
    const { code, sentence } = FAILURES[kind];
    const detail = about.length > MAX_DETAIL_CHARS ? `${about.slice(0, MAX_DETAIL_CHARS)}…` : about;
    super(code, `${server}: ${fill(sentence, words, CONFIG_NAMES, detail)}`, options);
    this.kind = kind;
    this.server = server;
    this.detail = detail;
    this.#words = words;
    this.#advice = advice;
  }

  /** What to do about it, in a sentence. */
  override hint(names: SettingNames = CONFIG_NAMES): string {
    return this.#advice ?? fill(FAILURES[this.kind].hint, this.#words, names, this.detail);
  }

  /** The message, with other names for the settings. */
  override told(names: SettingNames): string {
    return `${this.server}: ${fill(FAILURES[this.kind].sentence, this.#words, names, this.detail)}`;
  }
}

/** Causes that a line in the broker's rules ends. */
const OF_RIGHTS: ReadonlySet<FailureKind> = new Set([
  'may-not-subscribe',
  'may-not-publish',
  'may-not-create',
]);

/** Whether the broker refuses it for want of a right, as far as that is known. */
export const isOfRights = (error: LinkError): boolean =>
  !(error instanceof LinkFailure) || OF_RIGHTS.has(error.kind);

/** What is wrong with each server of a list. */
export class LinkFailures extends LinkError {
  readonly errors: readonly LinkError[];

  constructor(first: LinkError, ...others: readonly LinkError[]) {
    const errors = [first, ...others];
    super(first.code, errors.map(({ message }) => message).join('; '), { cause: first });
    this.errors = errors;
  }

  override hint(names: SettingNames = CONFIG_NAMES): string | undefined {
    const hints = new Set(this.errors.flatMap((error) => error.hint(names) ?? []));
    return hints.size === 0 ? undefined : [...hints].join('; ');
  }

  override told(names: SettingNames): string {
    return this.errors.map((error) => error.told(names)).join('; ');
  }
}

const fill = (text: string, words: ProtocolWords, names: SettingNames, detail: string): string => {
  const known = new Map(Object.entries({ ...words, ...names, detail }));
  const filled = text.replace(/\{(\w+)\}/g, (whole, name: string) => known.get(name) ?? whole);
  // Where nothing is known of the single case.
  return filled.replace(' ()', '');
};
