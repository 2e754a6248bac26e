import { federationSubject } from '../adapters/choria/wire/index.ts';
import type { Answer } from '../client/index.ts';
import { escapeControls } from './terminal.ts';

/** What came and was no reply, on standard error. */
export const warnOfRejected = ({ rejected }: Pick<Answer, 'rejected'>): void => {
  for (const { code, message, context } of rejected)
    process.stderr.write(
      `mcbridge: refused a reply of ${escapeControls(context.sender ?? 'somebody')}: ${escapeControls(message)} (${code})\n`,
    );
};

/** On standard error, when a request had no receiver. */
export const nobodyListens = ({ sent, unheard }: Answer, federation: readonly string[]): void => {
  if (unheard === 0) return;
  const where =
    federation.length === 0
      ? 'the subjects of the nodes: are they on this network, and in this collective?'
      : `${federation.map(federationSubject).join(' and ')}: is a broker of that cluster running and connected?`;
  const what = sent === 1 ? '' : ` (${unheard} of ${sent} messages)`;
  process.stderr.write(`mcbridge: nobody listens${what} to ${where}\n`);
};
