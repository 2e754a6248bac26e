import { decodeRequest, decodeSecureRequest } from '../../adapters/choria/wire/index.ts';
import { Rejection } from '../../envelope/rejection.ts';
import { bodyOf, isMessage } from '../file/format.ts';
import { openCassette } from '../file/read.ts';
import { carriedIn } from './choria-signature.ts';
import { isTree, type Normalized, normalizedBody } from './normalize.ts';

const CALLERID = /"(cert=[\w.-]+)"/;

/** The callerid of a legacy request, which may be base64 as a whole. */
const callerIn = (normalized: Normalized | undefined): string | undefined => {
  if (normalized === undefined || !isTree(normalized)) return undefined;
  const inside = normalized.get('base64') ?? normalized.get('message');
  if (inside !== undefined) return callerIn(inside);
  const caller = normalized.get(':callerid');
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
    const caller = choriaCallerIn(body) ?? callerIn(normalizedBody(body));
    if (caller !== undefined) found.add(caller);
  }
  return found;
};
