import type { CassetteRejected } from './format.ts';

/** What a bridge's log says of a message that it refused, or of a reply that it could not send home. */
export interface Refusal {
  readonly rejected: CassetteRejected['rejected'];
  /** Whether it is a reply that an ingress had taken, and could not send after all: such a line names its link. */
  readonly taken: boolean;
}

const REFUSED = /^(?:rejected|reply not sent): /;
const CODE = /^[a-z\d_]+$/;

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** The refusal that a line of the bridge's log tells of, see `Bridge` and `assembly/ingresses.ts`; undefined for others. */
export const refusalOf = (
  fields: Readonly<Record<string, unknown>>,
  message: string,
): Refusal | undefined => {
  const code = textOf(fields['reason']);
  if (code === undefined || !CODE.test(code) || !REFUSED.test(message)) return undefined;
  const requestId = textOf(fields['request_id']);
  const sender = textOf(fields['sender']);
  return {
    rejected: {
      code,
      ...(requestId !== undefined && { request_id: requestId }),
      ...(sender !== undefined && { sender }),
    },
    taken: fields['link'] !== undefined,
  };
};
