export { createStompLink } from './link.ts';
export type { StompLinkOptions, StompTls } from './options.ts';
