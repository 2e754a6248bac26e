import type { Target } from '../envelope/message.ts';

export const toNodes = (nodes: readonly string[], collective = 'mcollective'): readonly Target[] =>
  nodes.map((node) => ({ kind: 'node', collective, node }));

export const toAll = (agent = 'rpcutil', collective = 'mcollective'): readonly Target[] => [
  { kind: 'broadcast', collective, agent },
];
