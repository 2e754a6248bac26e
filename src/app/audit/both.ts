import type { Audit } from '../../envelope/audit.ts';

/** Both hear all; what the first says of a request counts. */
export const both = (audit: Audit, trail: Audit): Audit => ({
  record: (decided) => {
    void trail.record(decided);
    return audit.record(decided);
  },
  refused: (refused) => {
    trail.refused(refused);
    audit.refused(refused);
  },
  unsent: (...all) => {
    trail.unsent(...all);
    audit.unsent(...all);
  },
  answered: (answer) => {
    trail.answered(answer);
    audit.answered(answer);
  },
});
