import { Chalk } from 'chalk';
import type { Finding } from '../../config/checklist.ts';
import type { Problem } from '../../config/problem.ts';

const SIGNS = { ok: '✓', warning: '!', problem: '✗', skipped: '-' } as const;

/** What is said of a configuration when it is loaded, or is not even that, in the form of findings. */
export const fromProblem = (
  { message, allowed, ...place }: Problem,
  status: 'problem' | 'warning' = 'problem',
): Finding => ({
  ...place,
  status,
  message,
  ...(allowed === undefined ? {} : { mend: `allowed: ${allowed}` }),
});

export const hasProblems = (findings: readonly Finding[]): boolean =>
  findings.some(({ status }) => status === 'problem');

/** For people: a line for each finding; for what is not right also where and how to mend it. */
export const textReport = (findings: readonly Finding[], colour: boolean): string => {
  const chalk = new Chalk({ level: colour ? 1 : 0 });
  const paint = { ok: chalk.green, warning: chalk.yellow, problem: chalk.red, skipped: chalk.dim };
  const lines = findings.map(({ status, path, message, mend, file, line, column }) => {
    const what = path === '' ? message : `${path}: ${message}`;
    if (status === 'ok' || status === 'skipped') return `${paint[status](SIGNS[status])} ${what}`;
    const place = chalk.dim(`${file}:${line}:${column}:`);
    return `${paint[status](SIGNS[status])} ${place} ${what}${mend === undefined ? '' : `\n    ${mend}`}`;
  });
  const count = (status: Finding['status'], one: string, many: string): string => {
    const number = findings.filter((finding) => finding.status === status).length;
    return `${number} ${number === 1 ? one : many}`;
  };
  const sum = `${count('problem', 'problem', 'problems')}, ${count('warning', 'warning', 'warnings')}, ${count('ok', 'check ok', 'checks ok')}`;
  return `${lines.join('\n')}\n\n${hasProblems(findings) ? chalk.red(sum) : chalk.green(sum)}\n`;
};

/** For programs. */
export const jsonReport = (file: string, findings: readonly Finding[]): string =>
  `${JSON.stringify({ file, ok: !hasProblems(findings), findings }, undefined, 2)}\n`;
