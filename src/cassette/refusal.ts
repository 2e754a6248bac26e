import type { CassetteRejected } from './format.ts';

const REFUSED = /^(?:rejected|reply not sent): /;
const CODE = /^[a-z\d_]+$/;

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/**
 * What a line of the bridge's log says of a message that was refused, or of a reply that could not be sent home, see
 * `Bridge` and `Homeward`; undefined for other lines.
 */
export const refusalOf = (
  fields: Readonly<Record<string, unknown>>,
  message: string,
): CassetteRejected['rejected'] | undefined => {
  const code = textOf(fields['reason']);
  if (code === undefined || !CODE.test(code) || !REFUSED.test(message)) return undefined;
  const requestId = textOf(fields['request_id']);
  const sender = textOf(fields['sender']);
  return {
    code,
    ...(requestId !== undefined && { request_id: requestId }),
    ...(sender !== undefined && { sender }),
  };
};
