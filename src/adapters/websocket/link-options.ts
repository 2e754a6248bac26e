import type { ReadFile } from '../../config/files.ts';
import type { KeyPath } from '../../config/problem.ts';
import { isProvenName } from '../../envelope/check.ts';
import type { ProofSettings } from '../../transport/proof/settings.ts';
import type { LinkPlace } from '../../transport/spec.ts';
import { webSocketSpec } from '../../transport/websocket/spec.ts';
import type { Adapter } from '../descriptor.ts';
import { peerLists, sectionOf } from '../kit/link-settings.ts';
import type { WebSocketIngressConfig } from './config.ts';

const tlsOf = (
  { tls, clients }: WebSocketIngressConfig,
  path: KeyPath,
  read: ReadFile,
): ProofSettings['tls'] =>
  tls && {
    cert: read(tls.cert, [...path, 'tls', 'cert']).toString(),
    key: read(tls.key, [...path, 'tls', 'key']).toString(),
    ...(clients !== undefined && {
      clientCa: read(clients.ca, [...path, 'clients', 'ca']).toString(),
      ...peerLists(clients.revocation, [...path, 'clients'], read),
    }),
  };

const tokensOf = (
  { tokens }: WebSocketIngressConfig,
  path: KeyPath,
  read: ReadFile,
): ProofSettings['tokens'] => {
  if (tokens === undefined) return undefined;
  const { issuer, audience, algorithms, claim, jwksFile, jwksUrl = '' } = tokens;
  const keys =
    jwksFile === undefined
      ? ({ kind: 'url', url: jwksUrl } as const)
      : ({ kind: 'text', json: read(jwksFile, [...path, 'tokens', 'jwks_file']).toString() } as const);
  return { issuer, audience, algorithms, claim, keys, leeway: tokens.leeway * 1000 };
};

/** How its clients prove who they are. */
export const webSocketProof =
  (it: WebSocketIngressConfig, place: LinkPlace) =>
  (read: ReadFile): ProofSettings => {
    const path = sectionOf(place);
    return { tls: tlsOf(it, path, read), tokens: tokensOf(it, path, read), isName: isProvenName };
  };

/** The link of a side. */
export const webSocketLink =
  (it: WebSocketIngressConfig, place: LinkPlace): Adapter['link'] =>
  (_, read) =>
    webSocketSpec(place, {
      ...it.listen,
      ...webSocketProof(it, place)(read),
      origins: it.origins,
      hosts: it.hosts,
      limits: {
        sessions: it.maxSessions,
        sessionsPerCaller: it.maxSessionsPerCaller,
        messageBytes: it.maxMessage,
        bufferedBytes: it.maxBuffered,
        ping: it.ping * 1000,
      },
    });
