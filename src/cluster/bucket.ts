import {
  JetStreamApiCodes,
  JetStreamApiError,
  jetstream,
  jetstreamManager,
  type StreamConfig,
} from '@nats-io/jetstream';
import { type KV, Kvm } from '@nats-io/kv';
import { type NatsConnection, nanos, RequestError } from '@nats-io/transport-node';

export interface BucketSettings {
  readonly cluster: string;
  /** Ms that a claim is kept: longer than any copy of its request may live. */
  readonly maxAge: number;
  /** What all claims may take, in bytes. */
  readonly maxBytes: number;
  /** Servers of a NATS cluster that keep it. */
  readonly replicas: number;
}

export const bucketName = (cluster: string): string => `mcbridge_${cluster}`;

/** Ms that a claim outlives its request: for clocks of instances that differ, and for what the bridge itself takes. */
export const CLAIM_MARGIN_MS = 60_000;

/**
 * How long a claim is kept, in ms. A frame whose time lies ahead is taken until its ttl after that time has ended, so a copy
 * of it may come that much later.
 * @param maxTtl seconds @param maxAhead seconds that a sender's clock may be fast
 */
export const claimLifetimeMs = (maxTtl: number, maxAhead: number): number =>
  (maxTtl + maxAhead) * 1000 + CLAIM_MARGIN_MS;

/** Ms; the library's own is 10 s for a create. */
export const ANSWER_TIMEOUT_MS = 2_000;

/** What the server says of a bucket. */
export interface BucketState {
  /** When it was made by the server's clock: another one of the same name has another. */
  readonly made: string;
  readonly config: StreamConfig;
  /** What it holds, in bytes. */
  readonly bytes: number;
}

/** There is no such bucket, or no server that keeps it. */
export class NoBucket extends Error {
  override readonly name = 'NoBucket';
}

/** nats-server's numbers for a create whose key is there. */
const EXISTS: ReadonlySet<number> = new Set([
  JetStreamApiCodes.StreamWrongLastSequence,
  JetStreamApiCodes.StreamWrongLastSequenceUnknown,
]);

const asNoBucket = (error: unknown): unknown => {
  // A server without the bucket gives no responders on its subject, as one without JetStream.
  const cause = error instanceof Error ? error.cause : undefined;
  const isGone =
    (cause instanceof RequestError && cause.isNoResponders()) ||
    (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound);
  return isGone ? new NoBucket('the server has no such bucket, or no JetStream', { cause: error }) : error;
};

/** The bucket in which instances claim requests, and count together: JetStream's key-value store. */
export class Bucket {
  readonly #stream: string;
  readonly #kv: KV;
  readonly #info: (stream: string) => Promise<BucketState>;

  private constructor(name: string, kv: KV, info: (stream: string) => Promise<BucketState>) {
    this.#stream = `KV_${name}`;
    this.#kv = kv;
    this.#info = info;
  }

  /** Opens the cluster's bucket, and makes it where it is not there. */
  static async open(connection: NatsConnection, settings: BucketSettings): Promise<Bucket> {
    const { cluster, maxAge, maxBytes, replicas } = settings;
    const client = jetstream(connection, { timeout: ANSWER_TIMEOUT_MS });
    const manager = await jetstreamManager(connection, { timeout: ANSWER_TIMEOUT_MS });
    const name = bucketName(cluster);
    const open = (): Promise<KV> =>
      new Kvm(client).create(name, {
        description: 'requests that instances of mcbridge have claimed',
        history: 1,
        ttl: maxAge,
        max_bytes: maxBytes,
        replicas,
        // A replica may lag behind: claims are read from the one that decides.
        allow_direct: false,
      });
    // Another instance may have made it in between, with other settings.
    const kv = await open().catch((error: unknown) => {
      if (error instanceof JetStreamApiError) return open();
      throw error;
    });
    return new Bucket(name, kv, async (stream) => {
      const { created, config, state } = await manager.streams.info(stream);
      return { made: String(created), config, bytes: state.bytes };
    });
  }

  /**
   * @returns whether it was made; false where the key is there
   * @throws NoBucket, or what else keeps the server from saying so
   */
  async create(key: string, value: string): Promise<boolean> {
    return (await this.replace(key, value, 0)) !== undefined;
  }

  /**
   * @param revision of what it takes the place of; 0 for nothing
   * @returns its own revision; undefined where something else is there
   * @throws NoBucket, or what else keeps the server from saying so
   */
  async replace(key: string, value: string, revision: number): Promise<number | undefined> {
    try {
      return await this.#kv.put(key, value, { previousSeq: revision, timeout: ANSWER_TIMEOUT_MS });
    } catch (error) {
      if (error instanceof JetStreamApiError && EXISTS.has(error.code)) return undefined;
      throw asNoBucket(error);
    }
  }

  /** @returns undefined where the key is not there */
  async read(key: string): Promise<string | undefined> {
    return (await this.at(key))?.text;
  }

  /** @returns what a key holds, and its revision; undefined where the key is not there */
  async at(key: string): Promise<{ readonly text: string; readonly revision: number } | undefined> {
    try {
      const entry = await this.#kv.get(key);
      return entry === null ? undefined : { text: entry.string(), revision: entry.revision };
    } catch (error) {
      throw asNoBucket(error);
    }
  }

  /** @throws NoBucket */
  async state(): Promise<BucketState> {
    try {
      return await this.#info(this.#stream);
    } catch (error) {
      throw asNoBucket(error);
    }
  }
}

/** How much of its bytes a bucket may hold. */
const FULL_SHARE = 0.9;

/**
 * Whether it takes no more claims. A server would refuse them, but nats-server counts a message for less than it takes (2.9.10
 * does): it stores one that is too much, and drops the oldest in its place (tried).
 */
export const isFull = ({ config, bytes }: BucketState): boolean =>
  config.max_bytes > 0 && bytes > config.max_bytes * FULL_SHARE;

/** A setting of a bucket that is not as it should be. */
export interface Difference {
  /** As a sentence about the bucket goes on. */
  readonly text: string;
  /** Whether it could forget a claim while a copy of its request lives: such a bucket decides nothing. */
  readonly forgets: boolean;
}

const seconds = (nanoseconds: number): string => `${Math.round(nanoseconds / 1e9)} s`;

/** How a bucket differs from what was asked for: one that is there keeps the settings that it was made with. */
export const differencesOf = (config: StreamConfig, settings: BucketSettings): readonly Difference[] => {
  const { storage, retention, discard, max_age, max_msgs, max_bytes, num_replicas } = config;
  const { maxAge, maxBytes, replicas } = settings;
  const wanted = nanos(maxAge);
  const differences: Difference[] = [];
  const tell = (isDifferent: boolean, forgets: boolean, text: string): void => {
    if (isDifferent) differences.push({ text, forgets });
  };
  tell(
    storage !== 'file',
    true,
    `is kept in ${storage}, which forgets claims at a restart, and not in files`,
  );
  tell(
    max_age > 0 && max_age < wanted,
    true,
    `forgets claims after ${seconds(max_age)}, before ${seconds(wanted)} (max_ttl, max_ahead and 1 minute)`,
  );
  tell(max_age === 0, false, 'never forgets a claim, and fills up');
  tell(
    max_age > wanted,
    false,
    `keeps claims for ${seconds(max_age)}, not ${seconds(wanted)} (max_ttl, max_ahead and 1 minute)`,
  );
  tell(discard !== 'new', true, 'drops old claims when it is full, and does not refuse new ones');
  tell(retention !== 'limits', true, `drops claims by ${retention}, not by age`);
  tell(max_msgs > 0, false, `takes ${max_msgs} claims at most`);
  tell(
    max_bytes !== maxBytes,
    false,
    max_bytes > 0
      ? `takes ${max_bytes} bytes, not ${maxBytes} (claims.max_bytes)`
      : `takes any number of bytes, not ${maxBytes} (claims.max_bytes)`,
  );
  tell(num_replicas !== replicas, false, `has ${num_replicas} replicas, not ${replicas} (claims.replicas)`);
  return differences;
};
