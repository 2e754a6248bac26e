export type { StompVersion } from './frame.ts';
export { createStompLink } from './link.ts';
export type { StompBackoff, StompHeartbeat, StompLinkOptions, StompServer, StompTls } from './options.ts';
