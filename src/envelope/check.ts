/** MCollective accepts `^[\w]+=[\w\.\-]+$`; anchored here at both ends of the text, not of a line. */
const CALLERID = /^\w+=[\w.-]+$/;
const IDENTITY = /^[\w-]+(?:\.[\w-]+)*$/;
const TOKEN = /^[\w-]+$/;
/** Half a character, which no encoding of a wire can hold. */
const BROKEN = /\p{Surrogate}/u;

const MAX_NAME = 255;

/** A caller id that is safe to look up as a file name and to put into a header. */
export const isCallerId = (text: string): boolean =>
  text.length <= MAX_NAME && CALLERID.test(text) && !/=\.{1,2}$/.test(text);

/** A node's identity: letters, digits, `_`, `-`, and dots inside it, never a wildcard or a path. */
export const isIdentity = (text: string): boolean => text.length <= MAX_NAME && IDENTITY.test(text);

/** A collective or an agent: one token of a subject, so that it cannot reach into another. */
export const isToken = (text: string): boolean =>
  text.length > 0 && text.length <= MAX_NAME && TOKEN.test(text);

/** What peers hand back as they got it and never look into, in at most 255 bytes. */
const isOpaque = (text: string): boolean =>
  text.length > 0 && text.length <= MAX_NAME && Buffer.byteLength(text) <= MAX_NAME && !BROKEN.test(text);

/** A request's id: any text, for daemons hand back whatever a client made up. */
export const isRequestId = isOpaque;

/** The host or program that a request says it comes from: any text, for nodes only log it. */
export const isSender = isOpaque;
