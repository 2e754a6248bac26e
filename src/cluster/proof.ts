import { randomBytes } from 'node:crypto';
import { type NatsConnection, PermissionViolationError } from '@nats-io/transport-node';
import pTimeout from 'p-timeout';
import { partOf, type Requirement } from '../transport/requirement.ts';
import { Bucket, type BucketSettings, type Difference, differencesOf } from './bucket.ts';
import { CLOSE_TIMEOUT_MS, type ConnectionSettings, roundsTo } from './connection.ts';
import { claimsRequirements } from './requirements.ts';

/** What came of a claim that was made to see whether claims can be made. */
export type Proof =
  | { readonly kind: 'made'; readonly differences: readonly Difference[] }
  /** @param missing the right that the server does not grant, where it is that */
  | { readonly kind: 'failed'; readonly error: Error; readonly missing: Requirement | undefined };

/** Makes one claim by one server: opens the bucket, or makes it, creates a key of its own, and looks at the settings. */
export const proveClaims = async (settings: ConnectionSettings, bucket: BucketSettings): Promise<Proof> => {
  const ended = new AbortController();
  let lost: Error | undefined;
  let denied: PermissionViolationError | undefined;
  let connection: NatsConnection | undefined;
  try {
    const rounds = roundsTo(settings, {
      signal: ended.signal,
      failFast: true,
      onDown: (reason) => {
        lost = new Error(reason);
        // It is not made again.
        ended.abort();
      },
    });
    connection = await rounds.connect();
    void (async (statuses) => {
      for await (const status of statuses)
        if (status.type === 'error' && status.error instanceof PermissionViolationError)
          denied = status.error;
    })(connection.status());
    if (rounds.stand() === undefined) throw new Error(rounds.reason);
    const opened = await Bucket.open(connection, bucket);
    const key = `check.${randomBytes(12).toString('base64url')}`;
    await opened.create(key, 'check');
    if ((await opened.read(key)) !== 'check') throw new Error('the claim that was made cannot be read');
    const { config } = await opened.state();
    return { kind: 'made', differences: differencesOf(config, bucket) };
  } catch (error) {
    const known = error instanceof Error ? error : new Error(String(error));
    const violation = [known, known.cause, denied].find((it) => it instanceof PermissionViolationError);
    return {
      kind: 'failed',
      error: violation ?? lost ?? known,
      missing: violation && missingOf(violation, bucket),
    };
  } finally {
    ended.abort();
    if (connection !== undefined)
      await pTimeout(connection.close(), { milliseconds: CLOSE_TIMEOUT_MS, message: false });
  }
};

const missingOf = (
  { operation, subject }: PermissionViolationError,
  { cluster }: BucketSettings,
): Requirement | undefined => {
  const right = { kind: operation === 'publish' ? 'publish' : 'subscribe', destination: subject } as const;
  return claimsRequirements(cluster).find((requirement) => partOf(requirement)(right));
};
