/** A key's place in the YAML document: names of mappings, indexes of lists. */
export type KeyPath = readonly (string | number)[];

/** A place in the configuration file, both counted from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** One thing that is wrong with the configuration, where it is, and what would be right. */
export interface Problem extends Position {
  readonly file: string;
  /** `routes[0].identities[1].to`; empty for the document as a whole. */
  readonly path: string;
  /** What is wrong; holds the offending value unless that is a secret. */
  readonly message: string;
  readonly allowed?: string;
  /** How to put it right, in a sentence. */
  readonly mend?: string;
}

/** Every problem of a configuration at once, in the order of the file. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[], options?: ErrorOptions) {
    super(problems.map(formatProblem).join('\n'), options);
    this.problems = problems;
  }
}

/** The configuration file itself cannot be read. */
export class ConfigUnreadable extends Error {
  override readonly name = 'ConfigUnreadable';
  readonly file: string;

  constructor(file: string, reason: string, options?: ErrorOptions) {
    super(`cannot read the configuration ${file}: ${reason}`, options);
    this.file = file;
  }
}

/** `bridge.yaml:3:10: log.level: "loud" is not allowed; allowed: …`, a form that editors can jump to. */
export const formatProblem = (problem: Problem): string => {
  const { file, line, column, path, message, allowed, mend } = problem;
  const what = path === '' ? message : `${path}: ${message}`;
  const whole = allowed === undefined ? what : `${what}; allowed: ${allowed}`;
  return `${file}:${line}:${column}: ${whole}${mend === undefined ? '' : `\n    ${mend}`}`;
};

export const formatPath = (path: KeyPath): string =>
  path.reduce<string>((text, segment) => {
    if (typeof segment === 'number') return `${text}[${segment}]`;
    return text === '' ? segment : `${text}.${segment}`;
  }, '');
