import type { KeyObject } from 'node:crypto';
import type { Stats } from '../bridge/stats.ts';
import type { ParseFile } from '../config/files.ts';
import type { KeyFiles } from '../config/key-files.ts';
import type { Log } from '../envelope/log.ts';
import type { Inventory } from '../nodes/inventory.ts';
import type { SigningPool } from '../pki/signing-pool.ts';
import type { Config } from '../setup/types.ts';
import type { Link } from '../transport/link.ts';
import type { LinkSide } from '../transport/transports.ts';

/** What the adapters of one configuration are made with. */
export interface Context {
  readonly config: Config;
  readonly parse: ParseFile;
  /** Where folders of callers' keys are. */
  readonly keys: KeyFiles;
  readonly log: Log;
  readonly stats: Stats;
  /** Ms since the epoch. */
  readonly clock: () => number;
  readonly tokenKey: KeyObject;
  readonly pool: SigningPool;
  readonly inventory: Inventory;
  /** How long copies of one request are collected, in ms. */
  readonly collect: number;
  /** The link of an ingress or egress. */
  readonly link: (name: string, side: LinkSide) => Link;
}
