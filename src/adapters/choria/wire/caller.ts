import { isCallerId } from '../../../envelope/check.ts';

/**
 * go-choria's `^[a-z]+=([\w\.\-]+)` (protocol/v1 and filesec), anchored at both ends: `choria=` before the name of a
 * certificate, another word such as `up=` or `okta=` where an AAA server says who the user is.
 */
const CALLER = /^[a-z]+=([\w.-]+)$/;

/** The name in a caller id of Choria: `alice` of `up=alice`; undefined for what no node of go-choria takes for one. */
export const callerName = (callerId: string): string | undefined =>
  isCallerId(callerId) ? CALLER.exec(callerId)?.[1] : undefined;
