import { decodeRequest, decodeSecureRequest } from '../../adapters/choria/wire/index.ts';
import { Rejection } from '../../envelope/rejection.ts';
import { bodyOf, isMessage } from '../file/format.ts';
import { openCassette } from '../file/read.ts';
import { carriedIn } from './choria-signature.ts';
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

/** The callerid of a request to Choria nodes. */
const choriaCallerIn = (body: Buffer): string | undefined => {
  const carried = carriedIn(body);
  if (carried === undefined) return undefined;
  try {
    return decodeRequest(decodeSecureRequest(carried).message).callerId;
  } catch (error) {
    if (error instanceof Rejection) return undefined;
    throw error;
  }
};

/**
 * The callers, `cert=<name>` or `choria=<name>`, in whose names the recorded bridge has sent requests on an egress.
 * @throws CassetteError
 */
export const signersIn = async (file: string, egress: string): Promise<ReadonlySet<string>> => {
  const found = new Set<string>();
  const { entries } = await openCassette(file);
  for await (const { entry } of entries) {
    if (!isMessage(entry) || entry.side !== 'egress' || entry.dir !== 'out' || entry.link !== egress)
      continue;
    const body = bodyOf(entry);
    const caller = choriaCallerIn(body) ?? callerIn(bodyMeaning(body));
    if (caller !== undefined) found.add(caller);
  }
  return found;
};
