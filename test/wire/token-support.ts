import { createHmac, createSecretKey, randomBytes } from 'node:crypto';
import { decodeToken, type TokenContext } from '../../src/adapters/kit/token.ts';
import type { ReadableReplyAddress } from '../../src/envelope/message.ts';
import { Rejection } from '../../src/envelope/rejection.ts';

export const context: TokenContext = {
  key: createSecretKey(randomBytes(32)),
  cluster: 'production',
  protocol: 'mcollective',
  collective: 'mcollective',
};
export const EXPIRES = 1_800_000_000;
export const NOW = EXPIRES * 1000;

/** What a go-choria client asks for. */
export const home: ReadableReplyAddress = {
  ingress: 'federation',
  replyTo: 'mcollective.reply.c4ca4238a0b923820dcc509a6f75849b.21f1a1a1f1f84d1ba2c1d3b1e7a6a3bc',
  requestId: '21f1a1a1f1f84d1ba2c1d3b1e7a6a3bc',
  agent: 'rpcutil',
  collective: 'mcollective',
  dialect: 'go',
  expires: NOW,
};
export const FLOW = '0123456789abcdef0123456789abcdef';
export const nodes = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, i) => `node${i}.example.net`);

export const codeOf = (attempt: () => unknown): string => {
  try {
    attempt();
  } catch (error) {
    if (error instanceof Rejection) return error.code;
    throw error;
  }
  return 'accepted';
};
export const decode = (token: string, other: Partial<TokenContext> = {}, now = NOW): string =>
  codeOf(() => decodeToken(token, { ...context, ...other }, now));

/** A token with the right MAC around any bytes. */
export const authentic = (bytes: Buffer): string => {
  const mac = createHmac('sha256', context.key)
    .update(`mcbridge reply ${bytes[0]}\0production\0mcollective\0mcollective\0`)
    .update(bytes)
    .digest();
  return Buffer.concat([bytes, mac.subarray(0, 16)]).toString('base64url');
};
