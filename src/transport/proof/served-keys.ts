import { createLocalJWKSet, createRemoteJWKSet, customFetch, type JWTVerifyGetKey } from 'jose';
import { errorText } from '../../envelope/text.ts';

/** How long a server of keys may take, and how long it is not asked again after it had no key, in ms. */
const TIMEOUT_MS = 5_000;
const COOLDOWN_MS = 30_000;
const MAX_AGE_MS = 10 * 60_000;
/** How long it is left alone after it has failed: who knocks with made-up tokens makes the bridge ask no oftener. */
const FAILED_COOLDOWN_MS = 5_000;
/** Of a whole key set; those of large login servers have some 10 KB. */
const MAX_SET_BYTES = 256 * 1024;

/** Why a text is no key set, in words; undefined where it is one. */
export const keySetFault = (json: string): string | undefined => {
  try {
    createLocalJWKSet(JSON.parse(json));
    return undefined;
  } catch (error) {
    return error instanceof SyntaxError ? 'it is not JSON' : `it is no JSON Web Key Set: ${errorText(error)}`;
  }
};

const textOf = async ({ body }: Response): Promise<string> => {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > MAX_SET_BYTES) throw new Error(`its answer is longer than ${MAX_SET_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
};

/** @throws Error what `fetch` throws, or why the answer is no key set */
const fetchKeys: typeof fetch = async (url, options) => {
  const response = await fetch(url, options);
  if (response.status !== 200) {
    await response.body?.cancel();
    // Those of redirects too: where keys come from, the configuration says and nobody else.
    throw new Error(`it answers with status ${response.status}`);
  }
  const text = await textOf(response);
  const fault = keySetFault(text);
  if (fault !== undefined) throw new Error(fault);
  return new Response(text);
};

/** `fetch` says no more than that it failed; why, its cause says. */
const reasonOf = (error: unknown): string =>
  error instanceof Error && error.cause !== undefined ? errorText(error.cause) : errorText(error);

export interface ServedKeysOptions {
  /** Ms since the epoch. */
  readonly clock: () => number;
  /** Told each time that the server was asked in vain. */
  readonly onFailure: (error: Error) => void;
}

/** The keys that a server has at a URL: asked for when a token needs them, kept for ten minutes. */
export const servedKeys = (url: string, { clock, onFailure }: ServedKeysOptions): JWTVerifyGetKey => {
  let failed: { readonly error: Error; readonly at: number } | undefined;
  const asked: typeof fetch = async (...it) => {
    if (failed !== undefined && clock() - failed.at < FAILED_COOLDOWN_MS) throw failed.error;
    try {
      const response = await fetchKeys(...it);
      failed = undefined;
      return response;
    } catch (cause) {
      const { origin, pathname } = new URL(url);
      const error = new Error(`no keys of tokens from ${origin}${pathname}: ${reasonOf(cause)}`, { cause });
      failed = { error, at: clock() };
      onFailure(error);
      throw error;
    }
  };
  return createRemoteJWKSet(new URL(url), {
    timeoutDuration: TIMEOUT_MS,
    cooldownDuration: COOLDOWN_MS,
    cacheMaxAge: MAX_AGE_MS,
    [customFetch]: asked,
  });
};
