import { ByteReader } from '../../../codec/bytes.ts';
import { Rejection } from '../../../envelope/rejection.ts';
import type { TokenContent } from './content.ts';

const HAS_FEDERATION_ID = 1;
const HAS_HOPS = 2;
const DIRECTED = 4;
const TEXT_ID = 8;
const HAS_ACTION = 16;
const HAS_FLOW = 32;

/**
 * The content of tokens of the versions before, for replies to requests that instances of the release before have sent;
 * their own time ends them. Texts have two bytes of length before them, and nothing is packed:
 *
 *     version (1 or 2) | flags | expires (4) | request id (16, or a text) | [flow (16), version 2 only] | ingress | replyTo
 *     | agent | dialect | [action] | [federation request id] | [hops] | [nodes asked]
 *
 * @throws Rejection `token_malformed`
 */
export const readContentBefore = (bytes: Buffer, collective: string): TokenContent => {
  const reader = new ByteReader(bytes);
  reader.byte();
  const flags = reader.byte();
  const expires = reader.uint32() * 1000;
  const requestId = flags & TEXT_ID ? reader.text() : reader.bytes(16).toString('hex');
  const flow = flags & HAS_FLOW ? reader.bytes(16).toString('hex') : undefined;
  const [ingress, replyTo, agent, dialect] = [reader.text(), reader.text(), reader.text(), reader.text()];
  const action = flags & HAS_ACTION ? reader.text() : undefined;
  const federationRequestId = flags & HAS_FEDERATION_ID ? reader.text() : undefined;
  const hops = flags & HAS_HOPS ? reader.list(() => reader.list(() => reader.text())) : undefined;
  const nodes = flags & DIRECTED ? reader.list(() => reader.uint16()) : undefined;
  if (!reader.done) throw new Rejection('token_malformed', 'the reply token has bytes to spare');
  return {
    home: {
      ...(flow !== undefined && { flow }),
      ingress,
      replyTo,
      requestId,
      agent,
      collective,
      dialect,
      expires,
      ...(action !== undefined && { action }),
      ...(federationRequestId !== undefined && { federationRequestId }),
      ...(hops !== undefined && { hops }),
    },
    nodes,
  };
};
