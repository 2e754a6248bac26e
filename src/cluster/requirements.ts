import { type Requirement, toPublish, toSubscribe } from '../transport/requirement.ts';
import { bucketName } from './bucket.ts';

/** No claim has this key. */
const NOBODY = 'mcbridge_check';

/** What claims need on their NATS. */
export const claimsRequirements = (cluster: string): readonly Requirement[] => [
  toPublish('make the bucket of claims, and read it', '$JS.API.>', '$JS.API.INFO'),
  toPublish('claim broadcasts', `$KV.${bucketName(cluster)}.>`, `$KV.${bucketName(cluster)}.${NOBODY}`),
  toSubscribe("hear the server's answers to claims", '_INBOX.>'),
];
