import { isLoopback } from '../../config/loopback.ts';
import type { NameRules } from '../../config/name-rules.ts';
import { PLACES } from '../../transport/websocket/places.ts';
import { urlOf } from '../../transport/websocket/settings.ts';
import type { IngressAdapter, PageAccess } from '../descriptor.ts';
import { webSocketCheck } from './check.ts';
import type { WebSocketIngressConfig } from './config.ts';
import { createWebSocketIngress } from './ingress.ts';
import { webSocketLink, webSocketProof } from './link-options.ts';
import { WIRE } from './own-wire.ts';

/** What a session can prove. */
const NAMES: NameRules = {
  form: 'cert=<common name> or oidc=<claim>',
  type: (type) => (type === 'cert' || type === 'oidc' ? 'yes' : 'no'),
};

/**
 * By the proxy that is before it, where the configuration names one. Else by the first name that a policy of a page can have, which no address of IPv6 is, and to which a token can be sent.
 * https://www.w3.org/TR/CSP3/#grammardef-host-source
 */
const pageAccessOf = ({
  hosts,
  listen,
  tls,
  origins,
  url,
}: WebSocketIngressConfig): PageAccess | undefined => {
  if (url !== undefined) return { url, origins };
  const host = hosts.find((it) => !it.startsWith('[') && (tls !== undefined || isLoopback(it)));
  if (host === undefined || listen.port === 0) return undefined;
  return { url: urlOf({ host, tls }, listen.port), origins };
};

/** All that the bridge asks of this protocol. */
export const webSocketAdapter = (it: WebSocketIngressConfig, name: string): IngressAdapter => ({
  name,
  type: it.type,
  label: it.type,
  wire: WIRE,
  names: NAMES,
  cluster: undefined,
  standsForNodes: true,
  localEgress: undefined,
  share: undefined,
  carriesStatistics: false,
  link: webSocketLink(it, { name, side: 'ingress' }),
  requirements: () => [],
  // Those of connections are the link's.
  keys: () => [],
  pageAccess: pageAccessOf(it),
  proof: {
    hosts: it.hosts,
    hasTls: it.tls !== undefined,
    isPlainAnywhere: it.insecurePlaintext,
    settings: webSocketProof(it, { name, side: 'ingress' }),
  },
  takes: () => (destination) => PLACES.includes(destination),
  directedTo: () => undefined,
  observable: () => ({
    sources: [],
    missed: 'requests and answers go between the bridge and its client only',
  }),
  check: webSocketCheck(it, name),
  create: (around, services) =>
    createWebSocketIngress({
      name,
      around,
      services,
      limits: { calls: it.maxCalls, queuedBytes: it.maxBuffered, messageBytes: it.maxMessage },
    }),
});
