import { register } from 'node:module';

/**
 * For Node's loader: whatever imports mcbridge gets what the package exports that this file is in, as this file itself would.
 * It is a text because the loader takes it as a module of its own, in a thread of its own.
 */
const HOOK = `
const here = ${JSON.stringify(import.meta.url)};
export const resolve = (specifier, context, next) =>
  next(specifier, /^mcbridge(\\/|$)/.test(specifier) ? { ...context, parentURL: here } : context);
`;

let isGiven = false;

/**
 * From now on adapters that import mcbridge get this very program's exports. By Node's own rules they would find none beside a
 * configuration in /etc, or another copy, of whose classes nothing here is an instance.
 */
export const giveOwnExports = (): void => {
  if (isGiven) return;
  isGiven = true;
  register(`data:text/javascript,${encodeURIComponent(HOOK)}`);
};
