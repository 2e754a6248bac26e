import type { NameRules } from '../../config/name-rules.ts';

/**
 * go-choria's `^[a-z]+=`: `choria=` and a name of the certificate, or another word where a privileged certificate, such as that of an
 * AAA server, speaks for a user. `cert=` is MCollective's, and who writes it has the sides the wrong way round.
 */
export const CHORIA_NAMES: NameRules = {
  form: 'choria=<name>, or another word of small letters where a privileged certificate speaks for the caller',
  type: (type) => (type === 'cert' ? 'seldom' : /^[a-z]+$/.test(type) ? 'yes' : 'no'),
};

/** What passes between two Choria networks as it is. */
export const CHORIA_FORMAT = 'choria';
