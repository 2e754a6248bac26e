import { isOpaque, namedNodes, type Request } from '../envelope/message.ts';
import { Rejection } from '../envelope/rejection.ts';
import { Float, isMap, type Value } from '../envelope/value.ts';

/** What may wait for steps that take their time. */
export interface WaitingLimits {
  /** About. */
  readonly bytes: number;
  readonly requests: number;
}

const LIMITS: WaitingLimits = { bytes: 32 * 1024 ** 2, requests: 10_000 };

/** What a request takes beside its texts: objects, filter, way home, promises. In bytes. */
const OVERHEAD = 4_000;
/** What a value and the name of a node take beside their text. */
const VALUE_OVERHEAD = 32;
const NODE_OVERHEAD = 64;

/** Requests that wait for a step of the pipeline. */
export class WaitingRoom {
  readonly #limits: WaitingLimits;
  #bytes = 0;
  #count = 0;

  constructor(limits: WaitingLimits = LIMITS) {
    this.#limits = limits;
  }

  /**
   * One always has room where none waits.
   * @throws Rejection `overloaded`
   */
  check(request: Request): void {
    if (this.#count === 0) return;
    const { bytes, requests } = this.#limits;
    if (this.#count < requests && this.#bytes + bytesOf(request) <= bytes) return;
    throw new Rejection(
      'overloaded',
      `${this.#count} requests with ${this.#bytes} bytes already wait to be let through, and ${requests} with ${bytes} bytes may`,
    );
  }

  /** @param work what the request waits for, after the room was found free */
  async until(work: Promise<void>, request: Request): Promise<void> {
    const bytes = bytesOf(request);
    this.#bytes += bytes;
    this.#count++;
    try {
      await work;
    } finally {
      this.#bytes -= bytes;
      this.#count--;
    }
  }
}

/** What a request takes while it waits, about. */
const bytesOf = (request: Request): number => {
  const { payload } = request;
  const names = (namedNodes(request.targets) ?? []).reduce(
    (sum, node) => sum + node.length + NODE_OVERHEAD,
    0,
  );
  if (isOpaque(request)) return OVERHEAD + names + request.payload.content.data.length;
  return OVERHEAD + names + (payload.kind === 'rpc' ? bytesOfValue(payload.data) : 0);
};

const bytesOfValue = (value: Value): number => {
  if (typeof value === 'string') return VALUE_OVERHEAD + value.length * 2;
  if (typeof value === 'bigint') return VALUE_OVERHEAD + value.toString(16).length;
  if (value === null || typeof value !== 'object' || value instanceof Float) return VALUE_OVERHEAD;
  if (value instanceof Uint8Array) return VALUE_OVERHEAD + value.length;
  let bytes = VALUE_OVERHEAD;
  if (isMap(value)) for (const [key, one] of value) bytes += key.length * 2 + bytesOfValue(one);
  else for (const one of value) bytes += bytesOfValue(one);
  return bytes;
};
