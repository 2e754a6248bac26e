import { createPublicKey, type KeyObject } from 'node:crypto';
import { callersCaPath } from '../../adapters/choria/callers-config.ts';
import { createCallerVerifier } from '../../adapters/choria/wire/index.ts';
import { keyFolder } from '../../adapters/mcollective/egress/signing.ts';
import { callerFolder } from '../../adapters/mcollective/ingress/callers.ts';
import { createSerializer } from '../../adapters/mcollective/wire/serializer.ts';
import { DEFAULT_RUBY_LIMITS } from '../../codec/ruby/index.ts';
import type { ParseFile } from '../../config/files.ts';
import { Rejection } from '../../envelope/rejection.ts';
import type { Config, EgressConfig, IngressConfig } from '../../setup/types.ts';
import type { CallerAuthority } from './choria-callers.ts';
import type { LegacyCodec } from './legacy.ts';

type Stomp<T> = Extract<T, { readonly type: 'mcollective-stomp' }> & { readonly name: string };

export interface Shared {
  readonly config: Config;
  readonly parse: ParseFile;
}

const keyOrNone = (find: () => KeyObject): KeyObject | undefined => {
  try {
    return find();
  } catch (error) {
    if (error instanceof Rejection) return undefined;
    throw error;
  }
};

/** Frames of legacy clients: their keys are known, and replies are signed by the bridge in the daemons' place. */
export const ingressCodec = (it: Stomp<IngressConfig>, shared: Shared): LegacyCodec => {
  const callers = callerFolder(it.callers.keysDir, Date.now);
  const path = ['ingresses', it.name, 'server_private_key'];
  return {
    ...framing(it, shared.config),
    caller: (callerId) => keyOrNone(() => callers.keyFor(callerId)),
    servers: [shared.parse(it.serverPrivateKey, path, (pem) => createPublicKey(pem))],
  };
};

/** Frames of legacy daemons, and of the bridge in clients' place. */
export const egressCodec = (it: Stomp<EgressConfig>, { config, parse }: Shared): LegacyCodec => {
  const { signing, name, serverPublicKeys } = it;
  const path = ['egresses', name];
  const key = (pem: Buffer): KeyObject => createPublicKey(pem);
  const caller = (): LegacyCodec['caller'] => {
    if (signing.kind === 'keys') {
      const { signerFor } = keyFolder(signing.folder, Date.now);
      return (callerId) => keyOrNone(() => createPublicKey(signerFor(callerId).key));
    }
    const shared = parse(signing.privateKey, [...path, 'signing', 'private_key'], key);
    return (callerId) => (callerId === signing.callerid ? shared : undefined);
  };
  return {
    ...framing(it, config),
    caller: caller(),
    servers: serverPublicKeys.map((file) => parse(file, [...path, 'server_public_key'], key)),
  };
};

const framing = (
  { serializer, base64 }: Stomp<IngressConfig> | Stomp<EgressConfig>,
  { maxMessageBytes }: Config,
): Pick<LegacyCodec, 'serializer' | 'base64'> => ({
  serializer: createSerializer(serializer, { ...DEFAULT_RUBY_LIMITS, maxBytes: maxMessageBytes }),
  base64,
});

/** The CAs of all ingresses, each once. */
export const authoritiesOf = ({ config, parse }: Shared): readonly CallerAuthority[] => {
  const found = new Map<string, CallerAuthority>();
  for (const it of config.ingresses.values()) {
    if (it.type === 'mcollective-stomp' || found.has(it.callers.ca)) continue;
    const { ca: source } = it.callers;
    const verifier = parse(source, callersCaPath(it.name, it), (ca) =>
      createCallerVerifier({ ...it.callers, ca: ca.toString() }),
    );
    found.set(source, { source, verifier });
  }
  return [...found.values()];
};
