import { decodeBase64 } from '../../codec/base64.ts';
import { Rejection } from '../../envelope/rejection.ts';

export interface FrameBodyOptions {
  /** `plugin.activemq.base64` of the collective. */
  readonly base64: boolean;
  readonly maxMessageBytes: number;
}

/**
 * The message in a frame.
 * @throws Rejection `too_large` or `malformed_base64`
 */
export const frameBody = (body: Buffer, { base64, maxMessageBytes }: FrameBodyOptions): Buffer => {
  if (body.length > maxMessageBytes)
    throw new Rejection(
      'too_large',
      `the message has ${body.length} bytes, more than the ${maxMessageBytes} allowed`,
    );
  if (!base64) return body;
  return decodeBase64(body.toString('latin1'), 'the message (as those of this collective are to be)');
};
