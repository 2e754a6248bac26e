import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** A command line of a document, as it is written. */
export interface Command {
  /** `docs/client.md` */
  readonly doc: string;
  readonly line: string;
}

export const DOCS: readonly string[] = [
  'README.md',
  ...readdirSync(join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

/** What a command line of the docs begins with; a block in which no line does so shows something else. */
const PROGRAM =
  /^(?:\$ )?(?:(?:[A-Z_]+=\S+ )*(?:mcbridge|mco|choria|nats|npm|npx|sudo|git|curl|openssl|systemctl|journalctl|adduser|chown|chmod|kill|docker|ruby|jq|node)|cd \S+ &&) (?!\()/;

const dedent = (text: string, indent: string): string =>
  text
    .split('\n')
    .map((line) => (line.startsWith(indent) ? line.slice(indent.length) : line))
    .join('\n');

/** The fenced blocks of a document. @param language what stands behind the fence; none: empty */
export const blocksOf = (doc: string, language = ''): readonly string[] => {
  const text = readFileSync(join(ROOT, doc), 'utf8');
  return [...text.matchAll(/^( *)```(\w*)\n([\s\S]*?)^\1```/gm)].flatMap(
    ([, indent = '', kind, body = '']) => (kind === language ? [dedent(body, indent)] : []),
  );
};

/** A command that goes on in the next line is one. Where lines begin with `$ `, the others are what it prints. */
const linesOf = (block: string): readonly string[] => {
  const lines = block.replace(/\\\n\s*/g, '').split('\n');
  const prompted = lines.some((line) => line.startsWith('$ '));
  return lines
    .filter((line) => PROGRAM.test(`${line} `) && (!prompted || line.startsWith('$ ')))
    .map((line) => line.replace(/^\$ /, '').trimEnd());
};

export const commandsOf = (doc: string): readonly Command[] =>
  ['', 'sh', 'bash', 'console'].flatMap((language) =>
    blocksOf(doc, language).flatMap((block) => linesOf(block).map((line) => ({ doc, line }))),
  );

/** Commands within a sentence, between backticks: what is shown of them is a part, such as `mcbridge ping -T mcollective`. */
export const mentionsOf = (doc: string): readonly string[] => {
  const text = readFileSync(join(ROOT, doc), 'utf8').replace(/^( *)```[\s\S]*?^\1```/gm, '');
  return [...text.matchAll(/`(mcbridge [a-z][^`]*)`/g)].map(([, command = '']) =>
    command.replace(/\s+/g, ' '),
  );
};
