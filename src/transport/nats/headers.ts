import { headers, type MsgHdrs } from '@nats-io/transport-node';
import { quoted } from '../../envelope/text.ts';
import { LinkError } from '../link.ts';

/** Headers as the client takes them, with the bytes that they are on the wire. */
export interface HeaderBlock {
  readonly fields: MsgHdrs;
  readonly bytes: number;
}

/** @throws LinkError `protocol` for a name or a value that would end its line */
export const headerBlock = (given: Readonly<Record<string, string>>): HeaderBlock => {
  const fields = headers();
  let bytes = 'NATS/1.0\r\n\r\n'.length;
  for (const [name, value] of Object.entries(given)) {
    if (!/^[!-9;-~]+$/.test(name) || /[\r\n]/.test(value))
      throw new LinkError('protocol', `NATS cannot carry the header ${quoted(name)}`);
    fields.append(name, value);
    // As the client writes it: without the spaces around it.
    bytes += name.length + Buffer.byteLength(value.trim()) + ': \r\n'.length;
  }
  return { fields, bytes };
};
