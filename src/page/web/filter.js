import { verdictWords, whatCall, whoseCall } from './words.js';

/** What a word of the filter is looked for in; `caller:alice` looks in one of them alone. */
const partsOf = (line) => ({
  caller: whoseCall(line),
  call: whatCall(line),
  collective: line.collective,
  route: `${line.ingress} ${line.egress ?? ''}`,
  verdict: verdictWords(line.verdict),
  rule: line.rule ?? '',
  reason: `${line.code ?? ''} ${line.reason ?? ''}`,
  id: line.id,
});

export const FILTER_PARTS = Object.keys(partsOf({ collective: '', ingress: '', id: '', verdict: 'allow' }));

/** Whether each word of a filter is somewhere in a line, in capitals or not. */
export const matches = (line, filter) => {
  const parts = partsOf(line);
  const all = Object.values(parts).join('\n').toLowerCase();
  return filter
    .toLowerCase()
    .split(/\s+/)
    .filter(Boolean)
    .every((word) => {
      const [name, rest] = word.split(/:(.*)/s);
      return Object.hasOwn(parts, name) && rest
        ? parts[name].toLowerCase().includes(rest)
        : all.includes(word);
    });
};
