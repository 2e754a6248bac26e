import { createPublicKey } from 'node:crypto';
import { join } from 'node:path';
import type { KeyUse } from '../../adapters/kit/key-use.ts';
import { DISK, type KeyFiles } from '../../config/key-files.ts';
import { certificatesIn } from '../../inspect/certificate.ts';
import { type Keys, type KnownKey, NO_KEYS } from '../../inspect/keys.ts';
import { decodeMessage } from '../../inspect/recognise.ts';
import { type LayerKind, layersOf, type Verdict } from '../../inspect/tree.ts';
import type { Certificate } from '../../pki/certificate.ts';
import { sideOf } from '../../setup/sides.ts';
import type { Config } from '../../setup/types.ts';
import { isRejected } from '../file/format.ts';
import { carriedIn, flawOfRequest, type OwnCertificates } from './choria-signature.ts';
import type { Change } from './compare.ts';
import type { ComparedMessage } from './compared-message.ts';
import type { ReplayKeys } from './replay-config.ts';

const known = (source: string, files: KeyFiles): KnownKey => ({
  source,
  key: createPublicKey(files.read(source)),
});

type Folder = Extract<KeyUse, { readonly kind: 'folder' }>;

const inFolder =
  ({ path, nameOf }: Folder, files: KeyFiles): Keys['clientKey'] =>
  (callerId) => {
    const name = nameOf(callerId);
    if (name === undefined) return { missing: 'it is no callerid' };
    try {
      return known(join(path, `${name}.pem`), files);
    } catch {
      return { missing: `there is no key of ${callerId}` };
    }
  };

/** What messages without a certificate are verified with: the public halves of the keys that sign them. */
const keysOf = (signing: readonly KeyUse[], files: KeyFiles): Keys => {
  let keys = NO_KEYS;
  for (const use of signing) {
    if (use.kind === 'folder' && use.holds === 'private') keys = { ...keys, clientKey: inFolder(use, files) };
    if (use.kind !== 'private') continue;
    const key = known(use.path, files);
    keys = use.messages === 'replies' ? { ...keys, serverKeys: [key] } : { ...keys, clientKey: () => key };
  }
  return keys;
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
type Judge = (item: ComparedMessage) => Flaw | undefined;

const inFile = (file: string, files: KeyFiles): readonly Certificate[] => {
  try {
    return certificatesIn(files.read(file).toString());
  } catch {
    return [];
  }
};

/** The certificates that the bridge sends along with a caller's request; undefined where it sends none. */
const ownOf = (signing: readonly KeyUse[], files: KeyFiles): OwnCertificates | undefined => {
  const found = signing.flatMap((use): OwnCertificates[] => {
    if (use.kind === 'cert') return [() => [inFile(use.path, files)]];
    if (use.kind !== 'folder' || use.holds !== 'certificates') return [];
    return [
      (callerId) => {
        const name = use.nameOf(callerId);
        return name === undefined ? [] : [inFile(join(use.path, `${name}.pem`), files)];
      },
    ];
  });
  return found.length === 0 ? undefined : (callerId) => found.flatMap((own) => own(callerId));
};

/** Who judges what the bridge sends on a link: undefined for what is signed as the configuration says. */
const judgeOf = (config: Config, sideKeys: ReplayKeys['sideKeys'], { entry }: ComparedMessage): Judge => {
  const side = isRejected(entry) ? undefined : sideOf(config, entry.link, entry.side);
  const signing = side?.adapter.keys().filter(({ use }) => use === 'sign') ?? [];
  const files = isRejected(entry) ? DISK : sideKeys({ side: entry.side, name: entry.link });
  const keys = keysOf(signing, files);
  const own = ownOf(signing, files);
  return ({ body, entry: { at } }) => {
    const layer = layersOf(decodeMessage(body, keys, at)).find(({ kind }) => SIGNED.has(kind));
    // Towards Choria no key of a caller is known: the certificate that the bridge signs with is in the message.
    if (layer?.kind === 'secure-request-v1') return flawOfRequest(carriedIn(body), own);
    return layer?.verdicts.find(({ state }) => state !== 'valid');
  };
};

/** What passes through is whatever its sender made of it. */
const carriesTheSame = (recorded: ComparedMessage, replayed: ComparedMessage): boolean => {
  if (recorded.body.equals(replayed.body)) return true;
  const carried = carriedIn(replayed.body);
  return carried !== undefined && carriedIn(recorded.body)?.equals(carried) === true;
};

const shown = ({ state, reason }: Flaw): string => `${state}: ${reason}`;

/** Says whether what the bridge has signed anew has a good signature, and towards Choria its own certificate. */
export const signatureCheck = (
  config: Config,
  sideKeys: ReplayKeys['sideKeys'] = () => DISK,
): ((recorded: ComparedMessage, replayed: ComparedMessage) => readonly Change[]) => {
  const judges = new Map<string, Judge>();
  const flawIn = (item: ComparedMessage): Flaw | undefined => {
    const judge = judges.get(item.lane) ?? judgeOf(config, sideKeys, item);
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
