// @ts-check
import {
  ALWAYS,
  bool,
  buffer,
  bytes,
  CALLERS,
  DEFAULT_TLS,
  integer,
  nodesFields,
  nodesOf,
  path,
  pattern,
  refuse,
  seconds,
  secret,
  tls,
  url,
  z,
} from 'mcbridge/adapter';

/** @import { BufferConfig, NodesConfig, Pattern, SchemaContext, Secret, TlsConfig } from 'mcbridge/adapter' */

/**
 * @typedef {object} HttpSettings
 * @property {'http'} type
 * @property {readonly string[]} servers URLs
 * @property {TlsConfig | undefined} tls undefined without
 * @property {Secret | undefined} token
 * @property {string | undefined} tokenFile
 * @property {readonly Pattern[] | undefined} callers whom it may name; undefined: any caller
 * @property {readonly Pattern[]} privileged
 * @property {number} timeout seconds
 * @property {number} checkEvery seconds
 * @property {number} connections
 * @property {{ readonly lines: number, readonly lineBytes: number | undefined, readonly bytes: number }} answer
 * @property {BufferConfig} buffer
 */

/** @typedef {HttpSettings & NodesConfig} HttpConfig */

const MiB = 1024 ** 2;
const TOKEN = 'a token: letters, digits and signs, without spaces';
/** What a file of a token may hold. */
export const TOKEN_FILE = 'one line of letters, digits and signs, without spaces';

/** What a header can bear. @param {string} text */
export const isToken = (text) => /^[\x21-\x7e]+$/.test(text);

/**
 * What no single key can say. It is asked also where keys are wrong, so that one run names every problem.
 * @param {{ servers?: unknown, tls?: unknown, insecure_plaintext?: unknown, token?: unknown, token_file?: unknown }} it
 * @param {z.core.$RefinementCtx} context
 */
const checkTogether = (it, context) => {
  const plaintext = it.insecure_plaintext === true;
  const servers = Array.isArray(it.servers) ? it.servers : [];
  for (const [index, server] of servers.entries()) {
    if (typeof server !== 'string') continue;
    if (server.startsWith('http:') && !plaintext)
      refuse(
        context,
        ['servers', index],
        'is not encrypted: write https://, or give insecure_plaintext: true',
      );
    if (server.startsWith('https:') && plaintext)
      refuse(context, ['servers', index], 'asks for TLS, which insecure_plaintext: true rules out');
  }
  if (it.tls !== undefined && plaintext)
    refuse(context, ['insecure_plaintext'], 'contradicts tls: leave out one of them');
  if (it.token !== undefined && it.token_file !== undefined)
    refuse(context, ['token_file'], 'contradicts token: leave out one of them');
};

/**
 * The section of an egress `http` in bridge.yaml, and what becomes of it.
 * @param {SchemaContext} context
 */
export const httpSchema = (context) => {
  const file = () => path(context.resolve);
  return z
    .strictObject({
      type: z.literal('http'),
      servers: z.array(url(['https', 'http'])).min(1),
      tls: tls(file).optional(),
      insecure_plaintext: bool().default(false),
      token: secret(TOKEN)
        .refine((token) => isToken(token.reveal()), { params: { allowed: TOKEN } })
        .optional(),
      token_file: file().optional(),
      callers: z.array(pattern(CALLERS)).min(1).optional(),
      privileged: z.array(pattern(CALLERS)).default([]),
      timeout: seconds(1, 600).default(10),
      check_every: seconds(1, 3600).default(30),
      connections: integer(1, 256).default(8),
      max_lines: integer(1, 1_000_000).default(10_000),
      max_line_bytes: bytes(1024, 256 * MiB).optional(),
      max_answer_bytes: bytes(1024, 4096 * MiB).default(64 * MiB),
      buffer: buffer(),
      ...nodesFields(),
    })
    .superRefine(checkTogether, ALWAYS)
    .transform((it) => {
      /** @type {HttpConfig} */
      const config = {
        type: it.type,
        servers: it.servers,
        tls: it.insecure_plaintext ? undefined : (it.tls ?? DEFAULT_TLS),
        token: it.token,
        tokenFile: it.token_file,
        callers: it.callers,
        privileged: it.privileged,
        timeout: it.timeout,
        checkEvery: it.check_every,
        connections: it.connections,
        answer: { lines: it.max_lines, lineBytes: it.max_line_bytes, bytes: it.max_answer_bytes },
        buffer: it.buffer,
        ...nodesOf(it),
      };
      return config;
    });
};
