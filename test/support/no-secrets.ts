import type { SharedSecrets } from '../../src/adapters/kit/own-wire.ts';

const none = (setting: string): never => {
  throw new Error(`it asks for ${setting}, and has no secret`);
};

/** For a wire whose messages no secret proves. */
export const NO_SECRETS: SharedSecrets = { recorded: none, standIn: none };
