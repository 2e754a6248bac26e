import { createPublicKey } from 'node:crypto';
import {
  createCallerVerifier,
  DEFAULT_ALLOW,
  DEFAULT_PRIVILEGED,
} from '../../../src/adapters/choria/wire/index.ts';
import {
  bodyOf,
  type CassetteEntry,
  type CassetteHeader,
  isRejected,
} from '../../../src/capture/file/format.ts';
import { type Keys, NO_KEYS } from '../../../src/inspect/keys.ts';
import { decodeMessage } from '../../../src/inspect/recognise.ts';
import { layersOf, type Verdict } from '../../../src/inspect/tree.ts';

/** The keys that a cassette's header vouches for. */
export const trustedKeys = ({ trust }: CassetteHeader): Keys => {
  const ingresses = Object.values(trust?.ingresses ?? {});
  const callers = new Map(ingresses.flatMap((it) => Object.entries(it.callers ?? {})));
  return {
    callers: ingresses.flatMap(({ ca }) =>
      ca === undefined
        ? []
        : [
            {
              source: 'the cassette',
              verifier: createCallerVerifier({ ca, allow: DEFAULT_ALLOW, privileged: DEFAULT_PRIVILEGED }),
            },
          ],
    ),
    clientKey: (callerId) => {
      const pem = callers.get(callerId.replace(/^cert=/, ''));
      return pem === undefined
        ? { missing: 'not in the cassette' }
        : { key: createPublicKey(pem), source: 'the cassette' };
    },
    serverKeys: Object.values(trust?.egresses ?? {}).flatMap(({ server_public_key: keys = [] }) =>
      keys.map((pem) => ({ key: createPublicKey(pem), source: 'the cassette' })),
    ),
  };
};

/** Every layer of every message as text, opened by a decoder that shares nothing with the one that redacted. */
export const layersIn = (
  entries: readonly CassetteEntry[],
  keys: Keys | undefined,
): { readonly text: string; readonly verdicts: readonly Verdict[] } => {
  const texts: string[] = [];
  const verdicts: Verdict[] = [];
  for (const entry of entries) {
    if (isRejected(entry)) continue;
    for (const layer of layersOf(decodeMessage(bodyOf(entry), keys ?? NO_KEYS, entry.at))) {
      verdicts.push(...layer.verdicts);
      texts.push(
        JSON.stringify(layer.fields, (_key, value: unknown) => {
          if (value instanceof Map) return [...value];
          return typeof value === 'bigint' ? String(value) : value;
        }),
      );
    }
  }
  return { text: texts.join('\n'), verdicts };
};
