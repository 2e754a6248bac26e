import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { BridgeProcess } from '../support/bridge.ts';

/** Where the bridge serves HTTP, as its log says. */
export const urlOf = async (bridge: BridgeProcess): Promise<string> => {
  const line = await bridge.line(({ url }) => url !== undefined, 'its HTTP address');
  return String(line['url']);
};

export interface FetchedPage {
  readonly status: number;
  readonly text: string;
}

export const fetchPage = async (bridge: BridgeProcess, path: string): Promise<FetchedPage> => {
  const response = await fetch(`${await urlOf(bridge)}${path}`);
  return { status: response.status, text: await response.text() };
};

export const health = z.object({
  ready: z.boolean(),
  phase: z.string(),
  troubles: z.array(z.object({ name: z.string(), problem: z.string(), reason: z.string() })),
});

/** What `/readyz` says, and its status. */
export const fetchReady = async (
  bridge: BridgeProcess,
): Promise<z.infer<typeof health> & { readonly status: number }> => {
  const { status, text } = await fetchPage(bridge, '/readyz');
  return { ...health.parse(JSON.parse(text)), status };
};

export const object = z.record(z.string(), z.unknown());

/** A document that the Ruby broker published. */
export const rubyDocument = (subject: string): Record<string, unknown> => {
  const capture = new URL('../../fixtures/captures/choria-v1-federated.ndjson', import.meta.url);
  const lines = readFileSync(capture, 'utf8').trim().split('\n');
  const line = lines.map((text) => object.parse(JSON.parse(text))).find((one) => one['subject'] === subject);
  return object.parse(JSON.parse(String(line?.['payload'])));
};
