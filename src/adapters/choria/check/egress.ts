import type { Checklist } from '../../../config/checklist.ts';
import type { KeyPath } from '../../../config/problem.ts';
import { type EgressCheck, privilegedPatterns } from '../../kit/check/side-check.ts';
import { checkNatsFiles } from '../../kit/nats/check.ts';
import { DISCOVERY_CALLER } from '../collective/credentials.ts';
import type { ChoriaCollectiveConfig } from '../collective-egress-config.ts';
import { checkSigning, missingPair } from './signing.ts';

export const egressCheck = (it: ChoriaCollectiveConfig, name: string): EgressCheck => {
  const path: KeyPath = ['egresses', name];
  return {
    files: (list, now) => {
      const roots = checkNatsFiles(list, path, it, now);
      checkSigning(list, [...path, 'signing'], it, roots, now);
    },
    patterns: [privilegedPatterns(it.privileged)],
    lackFor: (caller) => {
      const missing = it.signing?.kind === 'callers' ? missingPair(it.signing.folder, caller) : undefined;
      if (missing === undefined) return undefined;
      return {
        message: `there is no ${missing}, so this caller's requests cannot be signed`,
        mend: "put the caller's certificate and private key there, or sign for all with cert and key",
      };
    },
    asking: (list) => checkAsking(list, [...path, 'discovery'], it),
  };
};

/** Who asks a Choria collective has a pair in the folder, unless the bridge's own certificate asks in its own name. */
const checkAsking = (
  list: Checklist,
  path: KeyPath,
  { discovery, signing }: Pick<ChoriaCollectiveConfig, 'discovery' | 'signing'>,
): void => {
  if (signing?.kind !== 'callers') return;
  const { folder, own } = signing;
  if (discovery.caller === undefined && own !== undefined) return;
  const { caller = DISCOVERY_CALLER } = discovery;
  const callerPath = discovery.caller === undefined ? path : [...path, 'caller'];
  const file = missingPair(folder, caller);
  if (file === undefined) list.ok(callerPath, `${caller} asks who is there`);
  else
    list.warning(
      callerPath,
      `there is no ${file}, so nodes cannot be asked who is there in the name of ${caller}`,
      'give signing.cert and signing.key, whose own name asks then, or set discovery.caller to a caller whose certificate and key are in signing.certs_dir',
    );
};
