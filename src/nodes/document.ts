import { z } from 'zod';
import { isIdentity, isToken } from '../envelope/check.ts';

/** Unix seconds, as in the statistics documents. */
const time = () => z.int().min(0);

const node = z.object({
  identity: z.string().refine(isIdentity),
  /** When it was there last. */
  seen: time(),
  by: z.enum(['discovery', 'reply']),
});

const egress = z.object({
  name: z.string().refine(isToken),
  /** Its protocol, which tells the sides apart. */
  type: z.string(),
  /** Globs of identities that are configured. */
  patterns: z.array(z.string()),
  /** Seconds between questions; 0: none are asked. */
  every: z.number().min(0),
  /** When all of its collectives were asked last; null: not yet. */
  last_survey: time().nullable(),
  /** Why nodes cannot be asked now. */
  error: z.string().optional(),
  collectives: z.array(z.object({ name: z.string().refine(isToken), nodes: z.array(node) })),
});

/** What a bridge knows about where nodes live, as its page `/inventory` has it. More keys may come with later versions. */
export const inventoryDocument = z.object({
  time: time(),
  cluster: z.string(),
  instance: z.string(),
  /** How often a node was left out because the inventory was full. */
  refused: z.int().min(0),
  egresses: z.array(egress),
});

export type InventoryDocument = z.output<typeof inventoryDocument>;
export type EgressDocument = z.output<typeof egress>;
