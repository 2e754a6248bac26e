import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';

/**
 * What authenticates the reply tokens of one network: who reads a token there can use it nowhere else.
 * @param key the cluster's
 * @param network any name that the configurations of all instances have for it
 */
export const networkKey = (key: KeyObject, network: string): KeyObject =>
  createSecretKey(createHmac('sha256', key).update(`mcbridge network\0${network}`).digest());
