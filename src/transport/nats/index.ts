export { createNatsLink } from './link.ts';
export type { NatsLinkOptions, NatsTls } from './options.ts';
