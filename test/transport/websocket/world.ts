import { vi } from 'vitest';
import { isProvenName } from '../../../src/envelope/check.ts';
import type { IncomingMessage, LinkEvent } from '../../../src/transport/link.ts';
import { WebSocketLink } from '../../../src/transport/websocket/link.ts';
import { FAULT, PLACES } from '../../../src/transport/websocket/places.ts';
import type { SessionLimits, WebSocketSettings } from '../../../src/transport/websocket/settings.ts';
import { makeAuthority } from '../../support/pki.ts';
import { makeTokenIssuer, settingsFor } from '../../support/web-tokens.ts';

export const issuer = makeTokenIssuer('https://login.example.net');
export const authority = makeAuthority('web test CA');
const server = authority.issue({ commonName: 'bridge.example.net', dnsNames: ['localhost'] });
export const SERVER_TLS = { cert: server.certificate, key: server.privateKey };

export const LIMITS: SessionLimits = {
  sessions: 100,
  sessionsPerCaller: 50,
  messageBytes: 64 * 1024,
  bufferedBytes: 1024 * 1024,
  ping: 60_000,
};

export const TOKENS = settingsFor(issuer);

export const SETTINGS: WebSocketSettings = {
  host: '127.0.0.1',
  port: 0,
  tls: undefined,
  tokens: TOKENS,
  origins: ['https://ops.example.net'],
  hosts: ['127.0.0.1', 'localhost'],
  isName: isProvenName,
  limits: LIMITS,
};

/** A link that listens, and all that it has handed over. */
export interface Stage {
  readonly link: WebSocketLink;
  readonly url: string;
  readonly messages: IncomingMessage[];
  readonly events: LinkEvent[];
  at(place: string): readonly IncomingMessage[];
  /** Once one of that kind was counted. */
  fault(kind: string): Promise<IncomingMessage>;
}

export const startStage = async (
  settings: Partial<WebSocketSettings> = {},
  clock: () => number = Date.now,
): Promise<Stage> => {
  const events: LinkEvent[] = [];
  const link = new WebSocketLink(
    { ...SETTINGS, ...settings },
    { clock, onEvent: (event) => events.push(event) },
  );
  const messages: IncomingMessage[] = [];
  await link.open();
  for (const destination of PLACES)
    await link.subscribe({ destination, onMessage: (message) => void messages.push(message) });
  const { server: url = '' } = link.state();
  return {
    link,
    url,
    messages,
    events,
    at: (place) => messages.filter(({ destination }) => destination === place),
    fault: (kind) =>
      vi.waitFor(() => {
        const found = messages.find(({ headers }) => headers[FAULT] === kind);
        if (found === undefined) throw new Error(`no ${kind} has been counted`);
        return found;
      }),
  };
};
