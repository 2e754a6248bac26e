import type { Command } from 'commander';
import { registerSearch } from './audit/search.ts';
import { registerVerify } from './audit/verify.ts';

/** `mcbridge audit` */
export const registerAudit = (program: Command): void => {
  const audit = program
    .command('audit')
    .summary('prove that an audit is whole, and look for requests in it')
    .description('Works on the files that the section audit of a configuration has a bridge write.');
  registerVerify(audit);
  registerSearch(audit);
};
