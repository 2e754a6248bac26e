import { createPublicKey, type KeyObject } from 'node:crypto';
import { createCallerVerifier } from '../../adapters/choria/wire/index.ts';
import type { Wire } from '../../adapters/descriptor.ts';
import type { KeyUse } from '../../adapters/kit/key-use.ts';
import { keyFolder } from '../../adapters/mcollective/egress/signing.ts';
import { callerFolder } from '../../adapters/mcollective/ingress/callers.ts';
import { createSerializer } from '../../adapters/mcollective/wire/serializer.ts';
import { DEFAULT_RUBY_LIMITS } from '../../codec/ruby/index.ts';
import type { ParseFile } from '../../config/files.ts';
import { Rejection } from '../../envelope/rejection.ts';
import { parseCertificates } from '../../pki/certificate.ts';
import { ingressesFirst, pathOf, type Side } from '../../setup/sides.ts';
import type { Config } from '../../setup/types.ts';
import type { CallerAuthority } from './choria-callers.ts';
import type { LegacyCodec } from './legacy.ts';

const MAX_ANCHORS = 1000;

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

/** The public half of a key that the configuration names. */
const publicKeyOf = (use: KeyUse, side: Side, { parse }: Shared): KeyObject =>
  parse(use.path, [...pathOf(side), ...use.at], (pem) => createPublicKey(pem));

/** How the key of a legacy caller is found; undefined where a key is not one of callers. */
const callerIn = (use: KeyUse, side: Side, shared: Shared): LegacyCodec['caller'] | undefined => {
  if (use.kind === 'private' && use.holder !== undefined) {
    const key = publicKeyOf(use, side, shared);
    return (callerId) => (callerId === use.holder ? key : undefined);
  }
  if (use.kind !== 'folder') return undefined;
  if (use.holds === 'public') {
    const { keyFor } = callerFolder(use.path, Date.now);
    return (callerId) => keyOrNone(() => keyFor(callerId));
  }
  const { signerFor } = keyFolder(use.path, Date.now);
  return (callerId) => keyOrNone(() => createPublicKey(signerFor(callerId).key));
};

/**
 * Frames of legacy clients, whose keys are known, and of legacy daemons: those that the bridge signs in their place are
 * verified with the public halves of its keys.
 */
export const legacyCodec = (
  side: Side,
  { serializer, base64 }: Extract<Wire, { readonly format: 'mcollective' }>,
  shared: Shared,
): LegacyCodec => {
  const keys = side.adapter.keys();
  const callers = keys.flatMap((use) => callerIn(use, side, shared) ?? []);
  return {
    serializer: createSerializer(serializer, {
      ...DEFAULT_RUBY_LIMITS,
      maxBytes: shared.config.maxMessageBytes,
    }),
    base64,
    caller: (callerId) => {
      for (const find of callers) {
        const key = find(callerId);
        if (key !== undefined) return key;
      }
      return undefined;
    },
    servers: keys
      .filter(({ messages }) => messages === 'replies')
      .map((use) => publicKeyOf(use, side, shared)),
  };
};

/** The CAs of all sides, each once. */
export const authoritiesOf = ({ config, parse }: Shared): readonly CallerAuthority[] => {
  const found = new Map<string, CallerAuthority>();
  for (const side of ingressesFirst(config))
    for (const use of side.adapter.keys()) {
      if (use.kind !== 'ca' || found.has(use.path)) continue;
      const { path: source, allow, privileged } = use;
      const made = parse(source, [...pathOf(side), ...use.at], (pem) => {
        const ca = pem.toString();
        return {
          verifier: createCallerVerifier({ ca, allow, privileged }),
          anchors: parseCertificates(ca, 'the configured CA', MAX_ANCHORS),
        };
      });
      found.set(source, { source, ...made });
    }
  return [...found.values()];
};
