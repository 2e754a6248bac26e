import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** As an adapter's own package would have it: another copy of zod than the program's own modules import. */
const ZOD = pathToFileURL(createRequire(import.meta.url).resolve('zod')).href;

/** The text of a module that makes types of egresses, by hand, of nothing but zod. */
export const moduleOf = (exported: string): string => `
import { z } from '${ZOD}';
const adapter = (name, type) => ({
  name,
  type,
  label: type,
  names: { form: 'cert=<name>', type: () => 'yes' },
  asks: false,
  privileged: [],
  keys: () => [],
  replyGroups: () => [],
  check: { files: () => undefined, patterns: [], lackFor: () => undefined, asking: () => undefined },
});
const make = (type, changes = {}) => ({
  apiVersion: 1,
  side: 'egress',
  type,
  transport: 'lines',
  anyServer: 'lines://127.0.0.1',
  opaque: undefined,
  schema: () =>
    z.strictObject({ type: z.literal(type), lines: z.array(z.string()) }).transform((config) => (name) => ({
      name,
      type,
      opaque: undefined,
      config,
      nodes: [],
      discovery: { every: undefined, expire: undefined, caller: undefined },
      adapter: adapter(name, type),
    })),
  replyPath: { beforeToken: () => undefined, of: () => undefined },
  ...changes,
});
${exported}
`;

export interface AdapterFolder {
  readonly path: string;
  /** @returns its path */
  write(name: string, text: string, mode?: number): string;
  /** The configuration, beside the modules. */
  config(adapters: string, rest?: string): string;
  end(): void;
}

const REST = `cluster_key: 0123456789abcdef0123456789abcdef
http: { listen: 127.0.0.1:1 }
ingresses:
  federation:
    type: choria-federation
    servers: [nats://127.0.0.1]
    tls: { ca: ca.pem, cert: cert.pem, key: key.pem }
egresses:
  web:
    type: test-lines
    lines: [a, b]
routes:
  - { from: federation, to: web, collectives: [mcollective], identities: [{ regex: choria=(.+), to: cert=$1 }] }
`;

/** A folder for a configuration and its adapters, which belongs to the running user alone. */
export const makeAdapterFolder = (): AdapterFolder => {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'mcbridge-adapters-')));
  const write: AdapterFolder['write'] = (name, text, mode = 0o644) => {
    const file = join(path, name);
    mkdirSync(dirname(file), { recursive: true, mode: 0o755 });
    writeFileSync(file, text, { mode });
    return file;
  };
  return {
    path,
    write,
    config: (adapters, rest = REST) => write('bridge.yaml', `adapters: ${adapters}\n${rest}`),
    end: () => rmSync(path, { recursive: true, force: true }),
  };
};
