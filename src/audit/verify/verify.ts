import { stat } from 'node:fs/promises';
import { placeOf } from '../chain.ts';
import type { HeadVerifier } from '../head.ts';
import { firstLineOf, linesOf } from './lines.ts';
import { type Finding, type KnownHead, Walk } from './walk.ts';

export type { Finding, KnownHead } from './walk.ts';

export interface VerifyOptions {
  /** Public keys of heads; none: heads are not checked. */
  readonly verifiers: readonly HeadVerifier[];
  /** Heads that are known from elsewhere. */
  readonly heads?: readonly KnownHead[];
  /** Whether earlier records may be elsewhere. */
  readonly partial?: boolean;
  /** Called with the bytes that are read so far. */
  readonly onProgress?: (bytes: number) => void;
}

/** One chain, over all its files. */
export interface ChainReport {
  readonly chain: string;
  /** In the order of their records. */
  readonly files: readonly string[];
  readonly records: number;
  readonly first: number;
  readonly last: number;
  /** The last record that a signed head vouches for; 0: none, or heads were not checked. */
  readonly signed_to: number;
  /** Records that the bridge says it could not write. */
  readonly lost: number;
}

export interface Report {
  readonly chains: readonly ChainReport[];
  /** What is wrong. */
  readonly findings: readonly Finding[];
  /** What is worth knowing. */
  readonly notes: readonly Finding[];
}

interface Start {
  readonly file: string;
  readonly chain: string;
  readonly seq: number;
}

/** Which chain a file is of; `findings` gets those of which that cannot be told. */
const startsOf = async (files: readonly string[], findings: Finding[]): Promise<readonly Start[]> => {
  const starts: Start[] = [];
  for (const file of new Set(files)) {
    for await (const lines of linesOf(file)) {
      const found = lines.map(({ bytes }) => placeOf(bytes)).find((place) => place !== undefined);
      if (found === undefined) continue;
      starts.push({ file, chain: found.chain, seq: found.seq });
      break;
    }
    if (starts.at(-1)?.file === file) continue;
    const first = await firstLineOf(file);
    if (first === undefined) findings.push({ file, what: 'the file is empty' });
    else findings.push({ file, line: 1, what: 'no line of this file is a record of an audit' });
  }
  return starts.toSorted((a, b) => a.seq - b.seq);
};

/** What is before the first record that is there. */
const checkBeginning = (walk: Walk, file: string, partial: boolean): Finding | undefined => {
  const { first, dropped } = walk;
  if (first === undefined || first.seq === 1) return undefined;
  const isSaid = dropped.some(
    ({ lastSeq, lastHash }) => lastSeq === first.seq - 1 && lastHash === first.prev,
  );
  if (isSaid || partial) return undefined;
  return {
    file,
    line: 1,
    what: `the records before ${first.seq} are missing, and no record says that they were removed (--partial: they are elsewhere)`,
  };
};

/** What is behind the last head. */
const checkEnd = (walk: Walk, file: string, isChecked: boolean): Finding | undefined => {
  if (!isChecked || walk.records === 0) return undefined;
  if (walk.signedTo === 0) return { file, what: 'no head of this chain is signed with a key that was given' };
  const left = walk.last - walk.signedTo;
  if (walk.every === undefined || left <= walk.every) return undefined;
  return {
    file,
    what: `${left} records stand behind the last signed head, and one is due after ${walk.every}`,
  };
};

/** Proves that the files of audits are as they were written. @throws as `open` does */
export const verify = async (
  files: readonly string[],
  { verifiers, heads = [], partial = false, onProgress }: VerifyOptions,
): Promise<Report> => {
  const findings: Finding[] = [];
  const notes: Finding[] = [];
  const chains: ChainReport[] = [];
  const starts = await startsOf(files, findings);
  let done = 0;
  for (const chain of new Set(starts.map((start) => start.chain))) {
    const parts = starts.filter((start) => start.chain === chain);
    const walk = new Walk({ verifiers, heads: heads.filter((head) => head.chain === chain) });
    for (const { file } of parts)
      for await (const lines of linesOf(file)) {
        for (const line of lines) {
          walk.step(file, line);
          done += line.bytes.length + 1;
        }
        onProgress?.(done);
      }
    const [firstFile = '', lastFile = ''] = [parts[0]?.file, parts.at(-1)?.file];
    const edges = [checkBeginning(walk, firstFile, partial), checkEnd(walk, lastFile, verifiers.length > 0)];
    const unmet = walk.unmet().map(({ seq }) => ({
      file: lastFile,
      what: `the head with the number ${seq} is known from elsewhere and is not here: the file was cut off, or is not the last one`,
    }));
    findings.push(...walk.findings, ...edges.filter((it) => it !== undefined), ...unmet);
    notes.push(...walk.notes);
    const { records, last, first, signedTo, lost } = walk;
    const names = parts.map(({ file }) => file);
    chains.push({ chain, files: names, records, first: first?.seq ?? 0, last, signed_to: signedTo, lost });
  }
  const seen = new Set(starts.map(({ chain }) => chain));
  for (const chain of new Set(heads.map((head) => head.chain)))
    if (!seen.has(chain))
      findings.push({ file: '', what: `heads of the chain ${chain} are known, and no file of it is here` });
  return { chains, findings, notes };
};

/** Bytes of files, as far as they can be told. */
export const sizeOf = async (files: readonly string[]): Promise<number> => {
  const sizes = await Promise.all(files.map(async (file) => (await stat(file)).size));
  return sizes.reduce((sum, size) => sum + size, 0);
};
