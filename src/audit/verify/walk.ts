import { z } from 'zod';
import { hashOf, ownPart, type Place, placeOf, signedPart } from '../chain.ts';
import type { HeadVerifier } from '../head.ts';
import type { Line } from './lines.ts';

/** What is wrong, and where. */
export interface Finding {
  readonly file: string;
  /** Undefined where it is about the file. */
  readonly line?: number;
  readonly what: string;
}

/** A head that is known from elsewhere. */
export interface KnownHead {
  readonly chain: string;
  readonly seq: number;
  readonly hash: string;
}

/** A file that was removed, as the chain says it. */
export interface Dropped {
  readonly lastSeq: number;
  readonly lastHash: string;
}

export interface WalkOptions {
  /** None: heads are not checked. */
  readonly verifiers: readonly HeadVerifier[];
  /** Those of this chain. */
  readonly heads: readonly KnownHead[];
}

interface Before {
  readonly file: string;
  readonly line: number;
  readonly seq: number;
  readonly hash: string;
}

const droppedFields = z.object({ last_seq: z.int(), last_hash: z.string() });
const lostFields = z.object({ records: z.int() });
const startFields = z.object({
  heads_every: z.int().optional(),
  torn: z.object({ bytes: z.int() }).optional(),
});

/** The bridge's own records say so in their beginning; nothing that a caller sends stands so near to it. */
const OWN = /"kind":"(?:start|close|head|dropped|lost)"/;
const OWN_CHARS = 512;

/** Goes along the lines of one chain, in order, over all its files. */
export class Walk {
  readonly findings: Finding[] = [];
  readonly notes: Finding[] = [];
  readonly dropped: Dropped[] = [];
  /** Lines that are records. */
  records = 0;
  /** Records that could not be written, as the chain says it. */
  lost = 0;
  /** The last record that a head vouches for. */
  signedTo = 0;
  first: Place | undefined;
  readonly #options: WalkOptions;
  readonly #heads: Map<number, KnownHead>;
  #before: Before | undefined;
  /** The last record that the next head does not count. */
  #mark = 0;
  #every: number | undefined;

  constructor(options: WalkOptions) {
    this.#options = options;
    this.#heads = new Map(options.heads.map((head) => [head.seq, head]));
  }

  get last(): number {
    return this.#before?.seq ?? 0;
  }

  /** Heads are due after so many records; undefined where the chain does not say it. */
  get every(): number | undefined {
    return this.#every;
  }

  step(file: string, { bytes, number, isWhole }: Line): void {
    const find = (what: string, line = number, at = file): void =>
      void this.findings.push({ file: at, line, what });
    const place = placeOf(bytes);
    if (!isWhole) find('the file ends in the middle of a line');
    if (place === undefined) {
      if (isWhole) find('this is no record of an audit: it was changed, or put there');
      return;
    }
    const hash = hashOf(bytes);
    const before = this.#before;
    if (before === undefined) this.first = place;
    else if (place.chain !== this.first?.chain) {
      find('this record is of another chain');
      return;
    } else this.#compare(place, before, find);
    this.records++;
    this.#own(file, number, bytes, place);
    this.#sign(bytes, place, find);
    this.#known(place.seq, hash, find);
    this.#before = { file, line: number, seq: place.seq, hash };
  }

  /** Heads that are known and were not met. */
  unmet(): readonly KnownHead[] {
    return [...this.#heads.values()];
  }

  #compare(
    { seq, prev }: Place,
    before: Before,
    find: (what: string, line?: number, file?: string) => void,
  ): void {
    const missing = seq - before.seq - 1;
    if (missing > 0)
      find(
        `before this line ${missing === 1 ? `the record ${seq - 1} is` : `the records ${before.seq + 1} to ${seq - 1} are`} missing`,
      );
    else if (missing < 0)
      find(`the record ${seq} stands behind the record ${before.seq}: twice, or out of order`);
    else if (prev !== before.hash)
      find('this line was changed: its hash is not what the next line says', before.line, before.file);
  }

  #own(file: string, line: number, bytes: Buffer, { seq, signature }: Place): void {
    if (!OWN.test(bytes.toString('latin1', 0, OWN_CHARS))) return;
    const own = ownPart(bytes.toString());
    const note = (what: string): void => void this.notes.push({ file, line, what });
    switch (own?.kind) {
      case 'start': {
        const { data } = startFields.safeParse(own);
        this.#mark = seq - 1;
        this.#every = data?.heads_every;
        if (data?.torn !== undefined)
          note(`${data.torn.bytes} bytes of a record that was not written to its end were taken away here`);
        return;
      }
      case 'dropped': {
        const { data } = droppedFields.safeParse(own);
        if (data !== undefined) this.dropped.push({ lastSeq: data.last_seq, lastHash: data.last_hash });
        return;
      }
      case 'lost': {
        const { data } = lostFields.safeParse(own);
        this.lost += data?.records ?? 0;
        note(`${data?.records ?? 'some'} records could not be written before this one`);
        return;
      }
      case 'head':
      case 'close': {
        const { data } = lostFields.safeParse(own);
        if (data?.records !== seq - 1 - this.#mark)
          this.findings.push({
            file,
            line,
            what: `a head of ${data?.records} records stands behind ${seq - 1 - this.#mark}`,
          });
        if (signature !== undefined) this.#mark = seq;
        return;
      }
      default:
    }
  }

  #sign(bytes: Buffer, { seq, signature }: Place, find: (what: string) => void): void {
    const { verifiers } = this.#options;
    if (signature === undefined || verifiers.length === 0) return;
    const text = signedPart(bytes, signature);
    if (verifiers.some((one) => one.holds(text, signature))) this.signedTo = seq;
    else find('the signature of this head does not hold: it was changed, or another key has made it');
  }

  #known(seq: number, hash: string, find: (what: string) => void): void {
    const head = this.#heads.get(seq);
    if (head === undefined) return;
    this.#heads.delete(seq);
    if (head.hash !== hash) find('this is not the head that is known from elsewhere');
  }
}
