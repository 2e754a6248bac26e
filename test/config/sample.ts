import { BUILT_IN } from '../../src/adapters/registry.ts';
import { ConfigError, formatProblem } from '../../src/config/problem.ts';
import { parseConfig } from '../../src/setup/load.ts';
import type { LoadedConfig } from '../../src/setup/types.ts';

export const CLUSTER_KEY = 'cluster_key: 0123456789abcdef0123456789abcdef\n';

/** The smallest configuration with one ingress, one egress and one route; its lines are counted by tests. */
export const MINIMAL = `${CLUSTER_KEY}ingresses:
  federation:
    type: choria-federation
    servers: [nats://nats1.example.net:4222]
    tls: { ca: ca.pem, cert: cert.pem, key: key.pem }
egresses:
  legacy:
    type: mcollective-stomp
    servers: [stomp://activemq1.example.net:61613]
    signing: { keys_dir: keys }
    server_public_key: server.pem
routes:
  - from: federation
    to: legacy
    collectives: [mcollective]
    identities:
      - regex: choria=(.+)\\.mcollective
        to: cert=$1
`;

/** A passage of the sample, what stands in its place, and all that the user is told then. */
export type Case = readonly [statement: string, passage: string, by: string, problems: readonly string[]];

/** {@link MINIMAL} with one passage replaced. */
export const minimalWith = (passage: string, by: string): string => {
  if (!MINIMAL.includes(passage)) throw new Error(`the sample has no ${passage}`);
  return MINIMAL.replace(passage, () => by);
};

export const load = (
  text: string,
  env: Readonly<Record<string, string>> = {},
  file = '/etc/mcbridge/bridge.yaml',
): LoadedConfig => parseConfig(text, file, env, BUILT_IN);

/** What the section of an ingress or egress says. */
export const settingsOf = ({ config }: LoadedConfig, name: string): object | undefined =>
  (config.ingresses.get(name) ?? config.egresses.get(name))?.config;

/** The problems that work ends by, as a user sees them; empty where it does what it should. */
export const refusalOf = (work: () => void): readonly string[] => {
  try {
    work();
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(formatProblem);
    throw error;
  }
};

/** The problems of a configuration; empty where it is valid. */
export const problemsOf = (text: string, env: Readonly<Record<string, string>> = {}): readonly string[] =>
  refusalOf(() => load(text, env, 'bridge.yaml'));

/** From legacy clients to Choria's nodes, with more lines for the ingress and at the top. */
export const legacyToChoria = (
  ingress: readonly string[] = [],
  top = '',
): string => `${CLUSTER_KEY}${top}ingresses:
  mco:
    type: mcollective-stomp
    servers: [stomp://activemq1.example.net:61613]
    callers: { keys_dir: clients }
    server_private_key: server.pem
${ingress.map((line) => `    ${line}\n`).join('')}egresses:
  choria:
    type: choria-collective
    servers: [nats://nats1.example.net]
    tls: { ca: ca.pem, cert: cert.pem, key: key.pem }
    signing: { cert: p.pem, key: p.key }
routes:
  - from: mco
    to: choria
    collectives: [mcollective]
    identities: [{ regex: cert=(.+), to: choria=$1.mcollective }]
`;
