import type { ActiveMqAcl } from './activemq.ts';

/**
 * "Detailed Restrictions" of MCollective's own documentation for ActiveMQ: daemons log in as `mcollective`, clients as
 * `admin`.
 */
export const DOCUMENTED: readonly ActiveMqAcl[] = [
  { queue: '>', write: 'admins', read: 'admins', admin: 'admins' },
  { topic: '>', write: 'admins', read: 'admins', admin: 'admins' },
  { queue: 'mcollective.>', write: 'admins', read: 'admins', admin: 'admins' },
  { topic: 'mcollective.>', write: 'admins', read: 'admins', admin: 'admins' },
  { queue: 'mcollective.nodes', read: 'mcollective', admin: 'mcollective' },
  { queue: 'mcollective.reply.>', write: 'mcollective', admin: 'mcollective' },
  { topic: 'mcollective.*.agent', read: 'mcollective', admin: 'mcollective' },
  {
    topic: 'mcollective.registration.agent',
    write: 'mcollective',
    read: 'mcollective',
    admin: 'mcollective',
  },
  { topic: 'ActiveMQ.Advisory.>', read: 'everyone', write: 'everyone', admin: 'everyone' },
];

export const DAEMON = {
  name: 'mcollective',
  password: 'marionette',
  groups: ['mcollective', 'everyone'],
} as const;
export const ADMIN = {
  name: 'admin',
  password: 'secret',
  groups: ['mcollective', 'admins', 'everyone'],
} as const;

/** Those entries and more; ActiveMQ keeps one entry for a destination, so one that is there gets the new right. */
export const documentedAnd = (granted: readonly ActiveMqAcl[]): readonly ActiveMqAcl[] => {
  const isSame = (one: ActiveMqAcl, other: ActiveMqAcl): boolean =>
    one.queue === other.queue && one.topic === other.topic;
  const merged = DOCUMENTED.map((entry) => ({ ...entry, ...granted.find((more) => isSame(more, entry)) }));
  return [...merged, ...granted.filter((more) => !DOCUMENTED.some((entry) => isSame(more, entry)))];
};
