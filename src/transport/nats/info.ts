import { LinkError } from '../link.ts';

/** What the link needs of the server's INFO. */
export interface ServerInfo {
  readonly maxPayload: number;
  readonly headers: boolean;
  readonly tlsRequired: boolean;
  readonly tlsAvailable: boolean;
  /** Whether it wants a client certificate, where it speaks TLS. */
  readonly tlsVerify: boolean;
}

/**
 * @param before what it said earlier on this connection: it may say again only what has changed
 * @throws LinkError `protocol`
 */
export const parseInfo = (json: string, before?: ServerInfo): ServerInfo => {
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
  const has = (name: string, earlier = false): boolean =>
    name in info ? Reflect.get(info, name) === true : earlier;
  const maxPayload: unknown = Reflect.get(info, 'max_payload');
  return {
    maxPayload:
      typeof maxPayload === 'number' && maxPayload > 0
        ? maxPayload
        : (before?.maxPayload ?? Number.POSITIVE_INFINITY),
    headers: has('headers', before?.headers),
    tlsRequired: has('tls_required', before?.tlsRequired),
    tlsAvailable: has('tls_available', before?.tlsAvailable),
    tlsVerify: has('tls_verify', before?.tlsVerify),
  };
};
