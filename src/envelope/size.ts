import { isOpaque, namedNodes, type Request } from './message.ts';

/** What a request takes beside all that grows with it: objects, ids, reply address, promises. */
export const REQUEST_OVERHEAD_BYTES = 4_000;
/** What these take in V8 beside what they hold, at most; measured with Node 20. */
const NODE_OVERHEAD_BYTES = 100;
const SCALAR_OVERHEAD_BYTES = 32;
const BUFFER_OVERHEAD_BYTES = 100;
/** Lists have room for more than they hold, and so have maps. */
const CONTAINER_OVERHEAD_BYTES = 200;
const ENTRY_OVERHEAD_BYTES = 48;

/**
 * What a request takes in memory, in bytes, about: with its values and its filter as they are once they are decoded, which
 * may be a hundred times the message that they came in.
 */
export const bytesOfRequest = (request: Request): number => {
  let bytes = REQUEST_OVERHEAD_BYTES;
  for (const node of namedNodes(request.targets) ?? []) bytes += NODE_OVERHEAD_BYTES + node.length;
  if (isOpaque(request)) {
    const { data, headers } = request.payload.content;
    return bytes + data.length + bytesOf(headers);
  }
  const { filter, payload } = request;
  return bytes + bytesOf(filter) + (payload.kind === 'rpc' ? bytesOf(payload.data) : 0);
};

/** Of values, and of plain objects such as a filter. */
const bytesOf = (part: unknown): number => {
  if (typeof part === 'string') return SCALAR_OVERHEAD_BYTES + part.length * 2;
  if (typeof part === 'bigint') return SCALAR_OVERHEAD_BYTES + part.toString(16).length;
  if (typeof part !== 'object' || part === null) return SCALAR_OVERHEAD_BYTES;
  if (part instanceof Uint8Array) return BUFFER_OVERHEAD_BYTES + part.length;
  let bytes = CONTAINER_OVERHEAD_BYTES;
  if (part instanceof Map)
    for (const [key, one] of part) bytes += ENTRY_OVERHEAD_BYTES + bytesOf(key) + bytesOf(one);
  else if (Array.isArray(part)) for (const one of part) bytes += bytesOf(one);
  else for (const one of Object.values(part)) bytes += bytesOf(one);
  return bytes;
};
