import { codeOf } from '../config/files.ts';
import { errorText } from '../envelope/text.ts';

/** Why an address cannot be listened on, as the end of a sentence that begins with it. */
export const listenFailure = (error: unknown): string => {
  const code = codeOf(error);
  if (code === 'EADDRINUSE') return 'is in use already: give another port, or off';
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') return 'is no address of this machine';
  if (code === 'EACCES') return 'may not be listened on: ports below 1024 are for root';
  return `cannot be listened on: ${errorText(error)}`;
};
