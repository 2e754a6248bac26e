/** MCollective accepts `^[\w]+=[\w\.\-]+$`; anchored here at both ends of the text, not of a line. */
const CALLERID = /^\w+=[\w.-]+$/;
const PROVEN_NAME = /^\w+=[\w.@:|+-]+$/;
const IDENTITY = /^[\w-]+(?:\.[\w-]+)*$/;
const TOKEN = /^[\w-]+$/;
/** Half a character, which no encoding of a wire can hold. */
const BROKEN = /\p{Surrogate}/u;

const MAX_NAME_CHARS = 255;

/** A caller id that is safe to look up as a file name and to put into a header. */
export const isCallerId = (text: string): boolean =>
  text.length <= MAX_NAME_CHARS && CALLERID.test(text) && !/=\.{1,2}$/.test(text);

/**
 * The name of a caller as an ingress may have proven it: a caller id, or what other authorities call people, such as a mail
 * address. It stands in rules and logs; on no wire of MCollective or Choria.
 */
export const isProvenName = (text: string): boolean =>
  text.length <= MAX_NAME_CHARS && PROVEN_NAME.test(text);

/** A node's identity: letters, digits, `_`, `-`, and dots inside it, never a wildcard or a path. */
export const isIdentity = (text: string): boolean => text.length <= MAX_NAME_CHARS && IDENTITY.test(text);

/** A collective or an agent: one token of a subject, so that it cannot reach into another. */
export const isToken = (text: string): boolean =>
  text.length > 0 && text.length <= MAX_NAME_CHARS && TOKEN.test(text);

/** What peers hand back as they got it and never look into, in at most 255 bytes. */
const isOpaque = (text: string): boolean =>
  text.length > 0 &&
  text.length <= MAX_NAME_CHARS &&
  Buffer.byteLength(text) <= MAX_NAME_CHARS &&
  !BROKEN.test(text);

/** A request's id: any text, for daemons hand back whatever a client made up. */
export const isRequestId = isOpaque;

/** The host or program that a request says it comes from: any text, for nodes only log it. */
export const isSender = isOpaque;
