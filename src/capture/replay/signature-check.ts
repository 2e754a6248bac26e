import { createPublicKey } from 'node:crypto';
import { join } from 'node:path';
import type { ChoriaSigningConfig } from '../../adapters/choria/collective-egress-config.ts';
import { callerName } from '../../adapters/choria/wire/index.ts';
import { readKeyFile } from '../../config/key-files.ts';
import { isCallerId } from '../../envelope/check.ts';
import { certificatesIn } from '../../inspect/certificate.ts';
import { type Keys, type KnownKey, NO_KEYS } from '../../inspect/keys.ts';
import { decodeMessage } from '../../inspect/recognise.ts';
import { type LayerKind, layersOf, type Verdict } from '../../inspect/tree.ts';
import type { Certificate } from '../../pki/certificate.ts';
import type { Config } from '../../setup/types.ts';
import { isRejected } from '../file/format.ts';
import { carriedIn, flawOfRequest, type OwnCertificates } from './choria-signature.ts';
import type { Change } from './compare.ts';
import type { Item } from './item.ts';

const known = (source: string): KnownKey => ({ source, key: createPublicKey(readKeyFile(source)) });

/**
 * What the bridge's own legacy messages on a link are verified with: the public halves of the keys that it signs with
 * there.
 */
const keysOf = ({ ingresses, egresses }: Config, side: string, name: string): Keys => {
  const ingress = side === 'ingress' ? ingresses.get(name) : undefined;
  if (ingress?.type === 'mcollective-stomp')
    return { ...NO_KEYS, serverKeys: [known(ingress.serverPrivateKey)] };
  const egress = side === 'egress' ? egresses.get(name) : undefined;
  if (egress?.type !== 'mcollective-stomp') return NO_KEYS;
  const { signing } = egress;
  if (signing.kind === 'shared') {
    const key = known(signing.privateKey);
    return { ...NO_KEYS, clientKey: () => key };
  }
  return {
    ...NO_KEYS,
    clientKey: (callerId) => {
      if (!isCallerId(callerId)) return { missing: 'it is no callerid' };
      try {
        return known(join(signing.folder, `${callerId.slice(callerId.indexOf('=') + 1)}.pem`));
      } catch {
        return { missing: `there is no key of ${callerId}` };
      }
    },
  };
};

/** Layers that say who made a message, or that it is intact. */
const SIGNED: ReadonlySet<LayerKind> = new Set([
  'legacy-request',
  'legacy-reply',
  'secure-request-v1',
  'secure-reply-v1',
  'secure-request-v2',
  'secure-reply-v2',
]);

type Flaw = Pick<Verdict, 'state' | 'reason'> & { readonly of: string };
type Judge = (item: Item) => Flaw | undefined;

const inFile = (file: string): readonly Certificate[] => {
  try {
    return certificatesIn(readKeyFile(file).toString());
  } catch {
    return [];
  }
};

/** The certificates that the bridge sends along with a caller's request; that which asks who is there is another. */
const ownOf =
  (signing: ChoriaSigningConfig): OwnCertificates =>
  (callerId) => {
    const own = signing.own === undefined ? [] : [inFile(signing.own.cert)];
    if (signing.kind === 'privileged') return own;
    const name = callerName(callerId);
    return name === undefined ? own : [inFile(join(signing.folder, `${name}.pem`)), ...own];
  };

/** Who judges what the bridge sends on a link: undefined for what is signed as the configuration says. */
const judgeOf = (config: Config, { entry }: Item): Judge => {
  const [side, link] = isRejected(entry) ? ['', ''] : [entry.side, entry.link];
  const keys = keysOf(config, side, link);
  const egress = side === 'egress' ? config.egresses.get(link) : undefined;
  const signing = egress?.type === 'choria-collective' ? egress.signing : undefined;
  return ({ body, entry: { at } }) => {
    const layer = layersOf(decodeMessage(body, keys, at)).find(({ kind }) => SIGNED.has(kind));
    // Towards Choria no key of a caller is known: the certificate that the bridge signs with is in the message.
    if (layer?.kind === 'secure-request-v1') return flawOfRequest(carriedIn(body), signing && ownOf(signing));
    return layer?.verdicts.find(({ state }) => state !== 'valid');
  };
};

/** What passes through is whatever its sender made of it. */
const carriesTheSame = (recorded: Item, replayed: Item): boolean => {
  if (recorded.body.equals(replayed.body)) return true;
  const carried = carriedIn(replayed.body);
  return carried !== undefined && carriedIn(recorded.body)?.equals(carried) === true;
};

const shown = ({ state, reason }: Flaw): string => `${state}: ${reason}`;

/** Says whether what the bridge has signed anew has a good signature, and towards Choria its own certificate. */
export const signatureCheck = (config: Config): ((recorded: Item, replayed: Item) => readonly Change[]) => {
  const judges = new Map<string, Judge>();
  const flawIn = (item: Item): Flaw | undefined => {
    const judge = judges.get(item.lane) ?? judgeOf(config, item);
    judges.set(item.lane, judge);
    return judge(item);
  };
  return (recorded, replayed) => {
    if (isRejected(replayed.entry) || carriesTheSame(recorded, replayed)) return [];
    const flaw = flawIn(replayed);
    if (flaw === undefined) return [];
    const before = flawIn(recorded);
    return [
      {
        path: `body (${flaw.of})`,
        recorded: before === undefined ? 'valid' : shown(before),
        replayed: shown(flaw),
      },
    ];
  };
};
