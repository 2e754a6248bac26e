import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config/types.ts';
import { type Keys, type KnownKey, NO_KEYS } from '../decode/keys.ts';
import { decodeMessage } from '../decode/recognise.ts';
import { layersOf, type Verdict } from '../decode/tree.ts';
import { isCallerId } from '../envelope/check.ts';
import type { Change } from './compare.ts';
import type { Item } from './item.ts';

const known = (source: string): KnownKey => ({ source, key: createPublicKey(readFileSync(source)) });

/**
 * What the bridge's own messages on a link are verified with: the public halves of the keys that it signs with there.
 * Towards Choria the certificate is in the message.
 */
const keysOf = ({ ingresses, egresses }: Config, lane: string): Keys => {
  const name = lane.slice(lane.indexOf(' ') + 1);
  const ingress = lane.startsWith('ingress ') ? ingresses.get(name) : undefined;
  if (ingress?.type === 'mcollective-stomp')
    return { ...NO_KEYS, serverKeys: [known(ingress.serverPrivateKey)] };
  const egress = lane.startsWith('egress ') ? egresses.get(name) : undefined;
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

const invalid = (verdicts: readonly Verdict[]): Verdict | undefined =>
  verdicts.find(({ state }) => state === 'invalid');

/** Says whether what the bridge has signed anew is signed well. */
export const sealCheck = (config: Config): ((recorded: Item, replayed: Item) => readonly Change[]) => {
  const keys = new Map<string, Keys>();
  const verdictOn = (item: Item): Verdict | undefined => {
    const { lane } = item;
    const its = keys.get(lane) ?? keysOf(config, lane);
    keys.set(lane, its);
    return invalid(
      layersOf(decodeMessage(item.body, its, item.entry.at)).flatMap(({ verdicts }) => verdicts),
    );
  };
  return (recorded, replayed) => {
    const verdict = verdictOn(replayed);
    // What passes sealed is whatever its sender made of it.
    if (verdict === undefined || recorded.body.equals(replayed.body)) return [];
    const before = verdictOn(recorded);
    return [
      {
        path: `body (${verdict.of})`,
        recorded: before === undefined ? 'valid' : `invalid: ${before.reason}`,
        replayed: `invalid: ${verdict.reason}`,
      },
    ];
  };
};
