import type { NameRules } from '../config/name-rules.ts';
import type { EgressConfig, IngressConfig } from './types.ts';

/** MCollective's SSL plugin: `cert=` and the name of the key's file. */
const LEGACY: NameRules = { form: 'cert=<name>', type: (type) => (type === 'cert' ? 'yes' : 'no') };

/**
 * go-choria's `^[a-z]+=`: `choria=` and a name of the certificate, or another word where a privileged certificate, such as that of an
 * AAA server, speaks for somebody. `cert=` is MCollective's, and who writes it has the sides the wrong way round.
 */
const CHORIA: NameRules = {
  form: 'choria=<name>, or another word of small letters where a privileged certificate speaks for the caller',
  type: (type) => (type === 'cert' ? 'seldom' : /^[a-z]+$/.test(type) ? 'yes' : 'no'),
};

/** One key signs for all, whatever they are called. */
const SHARED: NameRules = { form: '<type>=<name>', type: () => 'yes' };

/** A new protocol adds a line to each of both. */
const PROVEN: Readonly<Record<IngressConfig['type'], NameRules>> = {
  'choria-federation': CHORIA,
  'choria-collective': CHORIA,
  'mcollective-stomp': LEGACY,
};
const SIGNED: Readonly<Record<EgressConfig['type'], NameRules>> = {
  'choria-collective': CHORIA,
  'mcollective-stomp': LEGACY,
};

/** Whose requests an ingress can believe. */
export const provenNames = ({ type }: IngressConfig): NameRules => PROVEN[type];

/** For whom an egress can sign. */
export const signedNames = ({ type, signing }: EgressConfig): NameRules =>
  signing !== undefined && 'kind' in signing && signing.kind === 'shared' ? SHARED : SIGNED[type];
