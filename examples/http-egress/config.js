// @ts-check
import {
  ALWAYS,
  bool,
  buffer,
  bytes,
  CALLERS,
  camelKeys,
  DEFAULT_TLS,
  integer,
  nodesFields,
  nodesOf,
  path,
  pattern,
  refuse,
  seconds,
  secret,
  setting,
  tls,
  url,
  z,
} from 'mcbridge/adapter';

/** @import { SchemaContext } from 'mcbridge/adapter' */

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
      servers: setting(
        'where requests are posted to; the next one is tried where one does not answer',
        z.array(url(['https', 'http'])).min(1),
      ),
      tls: setting('for https://', tls(file).optional()),
      insecure_plaintext: setting('without TLS: for a test network only', bool().default(false)),
      token: setting(
        'who the bridge is, as a bearer token',
        secret(TOKEN)
          .refine((token) => isToken(token.reveal()), { params: { allowed: TOKEN } })
          .optional(),
      ),
      token_file: setting('the file of that token, in place of it', file().optional()),
      callers: setting(
        'patterns of mapped callers whose requests go out; without it all',
        z.array(pattern(CALLERS)).min(1).optional(),
      ),
      privileged: setting(
        'callerids that only an identity rule with privileged: true may yield',
        z.array(pattern(CALLERS)).default([]),
      ),
      timeout: setting('for a connection and the head of an answer', seconds(1, 600).default(10)),
      check_every: setting(
        'how often it is looked whether the server is there',
        seconds(1, 3600).default(30),
      ),
      connections: setting(
        "requests at a time, and as many questions of the bridge's own",
        integer(1, 256).default(8),
      ),
      max_lines: setting('lines of an answer, empty ones too', integer(1, 1_000_000).default(10_000)),
      max_line_bytes: setting(
        'bytes of a line; where it is not given, max_message_bytes',
        bytes(1024, 256 * MiB).optional(),
      ),
      max_answer_bytes: setting('bytes of an answer', bytes(1024, 4096 * MiB).default(64 * MiB)),
      buffer: buffer(),
      ...nodesFields(),
    })
    .superRefine(checkTogether, ALWAYS)
    .transform(({ tls, insecure_plaintext, max_lines, max_line_bytes, max_answer_bytes, ...it }) => {
      const answer = { lines: max_lines, lineBytes: max_line_bytes, bytes: max_answer_bytes };
      return {
        ...camelKeys(it),
        ...nodesOf(it),
        tls: insecure_plaintext ? undefined : (tls ?? DEFAULT_TLS),
        answer,
      };
    });
};

/** @typedef {z.output<ReturnType<typeof httpSchema>>} HttpConfig What becomes of the section. */
