import type { KeyPath } from '../../../config/problem.ts';
import { checkAuthorities } from '../../kit/check/certificate-files.ts';
import { checkRevocationLists } from '../../kit/check/revocation-lists.ts';
import type { SideCheck } from '../../kit/check/side-check.ts';
import { checkNatsFiles } from '../../kit/nats/check.ts';
import type { NatsConnection } from '../../kit/nats/config.ts';
import { type CallersConfig, callersCrlSetting } from '../callers-config.ts';

export const ingressCheck = (
  it: NatsConnection & { readonly callers: CallersConfig },
  name: string,
): SideCheck => {
  const { tls, callers } = it;
  const path: KeyPath = ['ingresses', name];
  return {
    files: (list, now) => {
      const isShared = callers.ca === tls?.ca;
      checkNatsFiles(list, path, it, now, isShared);
      if (!isShared) checkAuthorities(list, [...path, 'callers', 'ca'], callers.ca, now, true);
      const setting = callersCrlSetting(it);
      if (callers.revocation !== undefined && setting[0] === 'callers')
        checkRevocationLists(list, [...path, ...setting], callers.revocation, callers.ca, now);
    },
    patterns: [
      {
        setting: ['callers', 'allow'],
        patterns: callers.allow,
        risk: 'lets in every caller whose name has such a text in it',
        opens: true,
      },
      {
        setting: ['callers', 'privileged'],
        patterns: callers.privileged,
        risk: 'lets every certificate speak for all callers whose name has such a text in it',
        opens: true,
      },
    ],
    lackFor: (caller) => {
      const certificate = caller.slice(caller.indexOf('=') + 1);
      if ([...callers.allow, ...callers.privileged].some((pattern) => pattern.test(certificate)))
        return undefined;
      return {
        message: `callers.allow of ${name} does not let ${certificate} in, unless a privileged certificate speaks for it`,
        mend: 'add a pattern for it to callers.allow',
      };
    },
  };
};
