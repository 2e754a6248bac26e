import { isStatsSubject } from '../adapters/choria/wire/index.ts';
import type { Stats } from '../bridge/stats.ts';
import type { Log } from '../envelope/log.ts';
import { cut } from '../envelope/text.ts';
import { LinkFailure } from '../transport/failure/failure.ts';
import { type Denial, LinkError, type LinkListener, type Right } from '../transport/link.ts';
import type { Requirement } from '../transport/requirement.ts';
import { Reminders } from './reminders.ts';
import { Rights } from './rights.ts';

/** Ms; the default of links. */
const BACKOFF = { initial: 250, max: 10_000 };

export interface LinkLog {
  readonly rights: Rights;
  readonly onEvent: LinkListener;
}

/**
 * A link's events as log lines and counters, and the rights that it has.
 * @param requirements what it needs on its broker
 * @param grantOf what grants a right there
 */
export const linkLog = (
  link: string,
  requirements: readonly Requirement[],
  grantOf: (right: Right) => string,
  { log, stats, clock }: { readonly log: Log; readonly stats: Stats; readonly clock: () => number },
): LinkLog => {
  const reminders = new Reminders(clock);
  // One line for one requirement: there may be thousands of destinations, and senders choose some of them.
  const keyOf = (right: Right, requirement = rights.requirementOf(right)): string =>
    `${right.kind} ${requirement?.grant ?? right.destination}`;

  const missing = ({ right, error, need }: Denial, destination: string): void => {
    if (!reminders.isDue(keyOf(right))) return;
    const hint = need?.hint ?? error.hint();
    log.warn(
      { event: 'not_permitted', link, destination, reason: error.message, hint, needed_to: need?.purpose },
      'the broker does not permit it, trying again',
    );
  };
  const granted = (right: Right, destination: string): void => {
    if (reminders.isOver(keyOf(right)))
      log.info({ event: 'permitted', link, destination }, 'the broker permits it now');
  };

  const fault = (error: Error): void => {
    // A sender can cause a broker's report with each message.
    if (error instanceof LinkFailure && !reminders.isDue(`fault ${error.kind}`)) return;
    const hint = error instanceof LinkError ? error.hint() : undefined;
    log.error({ event: 'link_error', link, err: error, hint }, 'link error');
  };

  const rights = new Rights({
    requirements,
    grantOf,
    backoff: BACKOFF,
    onMissing: (denial, { grant }) => missing(denial, grant),
    onGranted: ({ right, grant }) => granted(right, grant),
    onRefused: ({ right, error }, requirement) => {
      if (!reminders.isDue(`message ${requirement?.grant ?? 'elsewhere'}`)) return;
      log.warn(
        {
          event: 'message_not_permitted',
          link,
          destination: cut(right.destination),
          reason: error.message,
          hint: error.hint(),
        },
        'the broker does not permit this message',
      );
    },
  });

  const onEvent: LinkListener = (event) => {
    switch (event.kind) {
      case 'connected':
        log.info({ event: 'connected', link, server: event.server, note: event.note }, 'connected');
        rights.connected();
        break;
      case 'disconnected':
        log.warn({ event: 'disconnected', link, server: event.server, reason: event.reason }, 'disconnected');
        break;
      case 'retry':
        log.warn(
          {
            event: 'connection_failed',
            link,
            server: event.server,
            reason: event.reason,
            hint: event.hint,
            delay_ms: event.delay,
          },
          'connection failed, trying again',
        );
        break;
      case 'denied': {
        const { right, error } = event;
        if (right.kind === 'publish') {
          rights.refused({ right, error });
          break;
        }
        const requirement = rights.requirementOf(right);
        const need = requirement && rights.needOf(requirement, error);
        missing({ right, error, ...(need && { need }) }, right.destination);
        break;
      }
      case 'granted':
        granted(event.right, event.right.destination);
        break;
      case 'expired':
        // No message is lost with it, and the next one says more.
        if (isStatsSubject(event.destination)) break;
        stats.expired(event.count);
        log.warn(
          { event: 'expired', link, destination: event.destination, count: event.count },
          'expired while waiting for the connection',
        );
        break;
      case 'error':
        fault(event.error);
        break;
    }
  };
  return { rights, onEvent };
};
