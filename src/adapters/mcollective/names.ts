import type { NameRules } from '../../config/name-rules.ts';

/** MCollective's SSL plugin: `cert=` and the name of the key's file. */
export const LEGACY_NAMES: NameRules = {
  form: 'cert=<name>',
  type: (type) => (type === 'cert' ? 'yes' : 'no'),
};

/** One key signs for all, whatever they are called. */
export const SHARED_NAMES: NameRules = { form: '<type>=<name>', type: () => 'yes' };
