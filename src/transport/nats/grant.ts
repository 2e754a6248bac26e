import type { Right } from '../link.ts';

/** The line of a NATS user's `permissions` that grants a right (docs.nats.io, "Authorization"). */
export const grantOf = ({ kind, destination }: Right): string =>
  `${kind}: { allow: [${JSON.stringify(destination)}] }`;
