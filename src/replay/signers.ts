import { bodyOf, isRejected } from '../cassette/format.ts';
import { openCassette } from '../cassette/read.ts';
import { bodyMeaning, isTree, type Meaning } from './meaning.ts';

const CALLERID = /"(cert=[\w.-]+)"/;

/** The callerid of a legacy request, which may be base64 as a whole. */
const callerIn = (meaning: Meaning | undefined): string | undefined => {
  if (meaning === undefined || !isTree(meaning)) return undefined;
  const inside = meaning.get('base64') ?? meaning.get('message');
  if (inside !== undefined) return callerIn(inside);
  const caller = meaning.get(':callerid');
  return typeof caller === 'string' ? CALLERID.exec(caller)?.[1] : undefined;
};

/**
 * The callers, `cert=<name>`, in whose names the recorded bridge has sent requests on an egress.
 * @throws CassetteError
 */
export const signersIn = async (file: string, egress: string): Promise<ReadonlySet<string>> => {
  const found = new Set<string>();
  const { entries } = await openCassette(file);
  for await (const { entry } of entries) {
    if (isRejected(entry) || entry.side !== 'egress' || entry.dir !== 'out' || entry.link !== egress)
      continue;
    const caller = callerIn(bodyMeaning(bodyOf(entry)));
    if (caller !== undefined) found.add(caller);
  }
  return found;
};
