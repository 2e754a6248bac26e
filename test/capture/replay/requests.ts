import { BUILT_IN } from '../../../src/adapters/registry.ts';
import { importCapture } from '../../../src/capture/file/capture-import.ts';
import type { CassetteMessage } from '../../../src/capture/file/format.ts';
import { loadConfig } from '../../../src/setup/load.ts';
import { CAPTURES } from './world.ts';

/** The requests of a capture, as an ingress gets them. */
export const requestsOf = async (
  capture: string,
  ingress: string,
  config: string,
): Promise<readonly CassetteMessage[]> => {
  const all: CassetteMessage[] = [];
  const target = { ingress, config: loadConfig(config, {}, BUILT_IN).config };
  for await (const message of importCapture(`${CAPTURES}${capture}`, target)) all.push(message);
  return all;
};
