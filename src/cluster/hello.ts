import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';

/** What an instance says of itself to others that may handle the same broadcasts. */
export interface Hello {
  readonly instance: string;
  readonly ingress: string;
  /** Random, new with each start. */
  readonly process: string;
  /** Ms since the epoch. */
  readonly time: number;
}

export interface HelloContext {
  readonly cluster: string;
  /** The cluster's key; a hello without it is ignored. */
  readonly key: KeyObject;
  /** The other one, while the cluster changes its key. */
  readonly nextKey?: KeyObject | undefined;
}

const MAX_BYTES = 4 * 1024;
const MAC_BYTES = 32;

const hello = z.object({
  instance: z.string().max(256),
  ingress: z.string().max(256),
  process: z.string().max(64),
  time: z.number(),
});

const macOf = (text: Uint8Array, { cluster }: HelloContext, key: KeyObject): Buffer =>
  createHmac('sha256', key).update(`mcbridge hello\0${cluster}\0`).update(text).digest();

export const writeHello = (it: Hello, context: HelloContext): Buffer => {
  const text = Buffer.from(JSON.stringify(it));
  return Buffer.concat([macOf(text, context, context.key), text]);
};

/** @returns undefined for what was not written with the cluster's key */
export const readHello = (body: Buffer, context: HelloContext): Hello | undefined => {
  if (body.length <= MAC_BYTES || body.length > MAX_BYTES) return undefined;
  const text = body.subarray(MAC_BYTES);
  const { key, nextKey } = context;
  const keys = [key, ...(nextKey === undefined ? [] : [nextKey])];
  const mac = body.subarray(0, MAC_BYTES);
  if (!keys.some((it) => timingSafeEqual(macOf(text, context, it), mac))) return undefined;
  return hello.safeParse(JSON.parse(text.toString())).data;
};
