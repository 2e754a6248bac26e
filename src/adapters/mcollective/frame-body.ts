import { decodeBase64 } from '../../codec/base64.ts';
import { Rejection } from '../../envelope/rejection.ts';
import type { AdapterContext } from '../descriptor.ts';
import type { StompConnection } from './connection-config.ts';

/**
 * The message in a frame.
 * @throws Rejection `too_large` or `malformed_base64`
 */
export const frameBody = (
  body: Buffer,
  { base64 }: Pick<StompConnection, 'base64'>,
  { maxMessageBytes }: Pick<AdapterContext, 'maxMessageBytes'>,
): Buffer => {
  if (body.length > maxMessageBytes)
    throw new Rejection(
      'too_large',
      `the message has ${body.length} bytes, more than the ${maxMessageBytes} allowed`,
    );
  if (!base64) return body;
  return decodeBase64(body.toString('latin1'), 'the message (as those of this collective are to be)');
};
