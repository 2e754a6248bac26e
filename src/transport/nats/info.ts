import { LinkError } from '../link.ts';

/** What the link needs of the server's INFO. */
export interface ServerInfo {
  readonly maxPayload: number;
  readonly headers: boolean;
  readonly tlsRequired: boolean;
  readonly tlsAvailable: boolean;
}

/** @throws LinkError `protocol` */
export const parseInfo = (json: string): ServerInfo => {
  let info: unknown;
  try {
    info = JSON.parse(json);
  } catch (error) {
    throw new LinkError('protocol', 'the NATS server introduces itself with what is no JSON', {
      cause: error,
    });
  }
  if (typeof info !== 'object' || info === null)
    throw new LinkError('protocol', 'the NATS server introduces itself with what is no object');
  const has = (name: string): boolean => name in info && Reflect.get(info, name) === true;
  const maxPayload: unknown = Reflect.get(info, 'max_payload');
  return {
    maxPayload: typeof maxPayload === 'number' && maxPayload > 0 ? maxPayload : Number.POSITIVE_INFINITY,
    headers: has('headers'),
    tlsRequired: has('tls_required'),
    tlsAvailable: has('tls_available'),
  };
};
