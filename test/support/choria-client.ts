import { X509Certificate } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import {
  type ChoriaFilter,
  type ChoriaReply,
  type Dialect,
  discoveryBody,
  type Json,
  md5,
  newRequestId,
  parseReply,
  requestLayer,
  rpcBody,
  secureLayer,
  toJson,
  transportLayer,
} from './choria-messages.ts';

export interface ChoriaClientOptions {
  /** Of the NATS server that the client is connected to, `nats://127.0.0.1:<port>`. */
  readonly url: string;
  /** PEM text. */
  readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string };
  /** What requests are signed with and show; not necessarily what the connection uses. */
  readonly certificate: string;
  readonly key: string;
  /** `choria=<CN of the certificate>` by default. */
  readonly callerid?: string;
  readonly dialect: Dialect;
  /** The federation cluster to publish to; without one it is a client of the collective itself. */
  readonly cluster?: string;
  /** `senderid` and `mc_sender`: the CN by default, as in the recorded messages. */
  readonly identity?: string;
}

/** Changes one layer before the next is put around it; a changed request is signed as changed. */
export interface Tampering {
  readonly request?: (layer: Json) => Json;
  /** After signing: what the signature does not fit any more. */
  readonly secure?: (layer: Json) => Json;
  readonly transport?: (layer: Json) => Json;
}

export interface RequestOptions {
  readonly agent: string;
  /** The text in `message`, for bodies that {@link ChoriaClient.rpc} does not make. */
  readonly body: string;
  /** Identities for directed requests; broadcast to the agent when absent. */
  readonly targets?: readonly string[];
  /** Whole target subjects, in place of those that `targets` stands for. */
  readonly targetSubjects?: readonly string[];
  readonly collective?: string;
  readonly filter?: ChoriaFilter;
  /** Seconds; 60 by default. */
  readonly ttl?: number;
  /** Seconds since the epoch; now by default. */
  readonly time?: number;
  readonly requestId?: string;
  readonly callerid?: string;
  readonly replyTo?: string;
  /** Asks everyone on the way to record the hop. */
  readonly trace?: boolean;
  readonly tamper?: Tampering;
}

/** A request with all its layers, one transport message for each group of 200 targets. */
export interface BuiltRequest {
  readonly requestId: string;
  readonly agent: string;
  /** Where each payload is published: the cluster's subject, or all targets. */
  readonly subjects: readonly string[];
  /** The first of them. */
  readonly subject: string;
  readonly replyTo: string;
  readonly trace: boolean;
  readonly request: Json;
  readonly requestText: string;
  readonly secure: Json;
  readonly secureText: string;
  readonly transports: readonly Json[];
  /** The text of each transport, what is published. */
  readonly payloads: readonly string[];
}

export interface WaitOptions {
  /** Milliseconds to wait for replies; 10 s where some number of replies is expected, else 3 s. */
  readonly timeout?: number;
  /**
   * Return as soon as this many have come; the number of targets of a directed request by default. 0 waits for
   * the whole time, like undefined.
   */
  readonly expect?: number;
  /** Return with what has come when it aborts. */
  readonly signal?: AbortSignal;
}

export type RpcOptions = Omit<RequestOptions, 'body'> &
  WaitOptions & { readonly action: string; readonly data?: Json };

export type DiscoverOptions = Pick<RequestOptions, 'collective' | 'filter' | 'ttl' | 'trace' | 'targets'> &
  WaitOptions;

export interface ChoriaClient {
  readonly callerid: string;
  /** Identities that answer a ping, sorted. */
  discover(options?: DiscoverOptions): Promise<readonly string[]>;
  /** Replies, sorted by sender. Rejects when one is not as a real client would have it. */
  rpc(options: RpcOptions): Promise<readonly ChoriaReply[]>;
  /** The same for any request. */
  send(built: BuiltRequest, options?: WaitOptions): Promise<readonly ChoriaReply[]>;
  buildRequest(options: RequestOptions): BuiltRequest;
  /** Publishes anything anywhere. */
  publish(subject: string, payload: string | Buffer, reply?: string): Promise<void>;
  /** Calls with the payload of each message of a subject, and with its own subject, once the server knows of it. */
  subscribe(subject: string, onPayload: (payload: string, subject: string) => void): Promise<void>;
  /** The connection's server is gone or back: waits until it is connected again. */
  reconnected(): Promise<void>;
  close(): Promise<void>;
}

const GROUP = 200;

/** Of all clients of this process: a caller's clients must not share reply subjects. */
let sequence = 0;

/** A Choria client, written after the recorded messages and independent of the bridge's code. */
export const connectChoriaClient = async (options: ChoriaClientOptions): Promise<ChoriaClient> => {
  const { dialect, cluster } = options;
  const federated = cluster !== undefined;
  const commonName = /CN=(.+)/.exec(new X509Certificate(options.certificate).subject)?.[1];
  const ownCallerid = options.callerid ?? `choria=${commonName}`;
  const sender = options.identity ?? commonName ?? 'client';
  // The client checks a server given by its address for the name "localhost", unless told its host.
  const tls =
    options.tls === undefined ? {} : { tls: { ...options.tls, host: new URL(options.url).hostname } };
  const nats: NatsConnection = await connect({
    servers: options.url,
    name: sender,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 100,
    ...tls,
  });

  const buildRequest = (given: RequestOptions): BuiltRequest => {
    const { agent, collective = 'mcollective', tamper = {} } = given;
    const requestId = given.requestId ?? newRequestId();
    const callerid = given.callerid ?? ownCallerid;
    sequence += 1;
    const tail = dialect === 'ruby' ? `${process.pid}.${sequence}` : requestId;
    const replyTo = given.replyTo ?? `${collective}.reply.${md5(callerid)}.${tail}`;
    const targets = given.targetSubjects ??
      given.targets?.map((node) => `${collective}.node.${node}`) ?? [
        `${collective}.broadcast.agent.${agent}`,
      ];
    const change = (layer: Json, how?: (layer: Json) => Json): Json =>
      how === undefined ? layer : how(layer);
    const request = change(
      requestLayer({
        dialect,
        requestId,
        sender,
        callerid,
        collective,
        agent,
        filter: given.filter ?? {},
        ttl: given.ttl ?? 60,
        time: given.time ?? Math.floor(Date.now() / 1000),
        body: given.body,
      }),
      tamper.request,
    );
    const requestText = toJson(request, dialect);
    const secure = change(secureLayer(dialect, requestText, options.key, options.certificate), tamper.secure);
    const secureText = toJson(secure, dialect);
    const groups = Array.from({ length: Math.max(1, Math.ceil(targets.length / GROUP)) }, (_, i) =>
      targets.slice(i * GROUP, (i + 1) * GROUP),
    );
    // Go's clients record their hop unasked.
    const trace = given.trace === true || (dialect === 'go' && !federated);
    const common = { dialect, sender, replyTo, requestId, ...(trace ? { trace: options.url } : {}) };
    const transports = (federated ? groups : [undefined]).map((group) =>
      change(transportLayer(secureText, { ...common, ...(group && { targets: group }) }), tamper.transport),
    );
    const subjects = federated ? [`choria.federation.${cluster}.federation`] : targets;
    return {
      requestId,
      agent,
      subjects,
      subject: subjects[0] ?? '',
      replyTo,
      trace: given.trace === true,
      request,
      requestText,
      secure,
      secureText,
      transports,
      payloads: transports.map((transport) => toJson(transport, dialect)),
    };
  };

  const send = async (built: BuiltRequest, wait: WaitOptions = {}): Promise<readonly ChoriaReply[]> => {
    const { requestId, agent, trace } = built;
    const timeout = wait.timeout ?? ((wait.expect ?? 0) > 0 ? 30_000 : 3_000);
    const replies: ChoriaReply[] = [];
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => finish(), timeout);
      wait.signal?.addEventListener('abort', () => finish());
      const finish = (error?: unknown): void => {
        clearTimeout(timer);
        subscription.unsubscribe();
        if (error === undefined) resolve();
        else reject(error);
      };
      const subscription = nats.subscribe(built.replyTo, {
        callback: (error, message) => {
          // The server's own notice that nobody listens to the request's subject (NATS ADR-4).
          if (error === null && message.headers?.code === 503) return;
          try {
            if (error !== null) throw error;
            replies.push(parseReply(message.string(), { dialect, federated, requestId, agent, trace }));
            if (replies.length === wait.expect) finish();
          } catch (problem) {
            finish(problem);
          }
        },
      });
      for (const payload of built.payloads)
        for (const subject of built.subjects) nats.publish(subject, payload, { reply: built.replyTo });
    });
    return replies.toSorted((a, b) => (a.sender < b.sender ? -1 : Number(a.sender > b.sender)));
  };

  return {
    callerid: ownCallerid,
    buildRequest,
    send,
    discover: async (given = {}) => {
      const { timeout, expect, signal, filter = {}, ...rest } = given;
      const collective = given.collective ?? 'mcollective';
      // As `mco rpc` asks before it sends: looking for an agent, it names the collective as well.
      const named = dialect === 'ruby' && filter.agent !== undefined ? { ...filter, collective } : filter;
      const built = buildRequest({
        ...rest,
        filter: named,
        agent: 'discovery',
        body: discoveryBody(dialect),
      });
      const replies = await send(built, withoutUndefined({ timeout, expect, signal }));
      return replies.map((reply) => reply.sender);
    },
    rpc: async (given) => {
      const { action, data = {}, timeout, expect, signal, filter = {}, ...rest } = given;
      const body = rpcBody(dialect, given.agent, action, given.callerid ?? ownCallerid, data);
      // Both clients add the agent to the filter by themselves.
      const built = buildRequest({ ...rest, filter: { agent: [given.agent], ...filter }, body });
      return send(built, withoutUndefined({ timeout, expect: expect ?? given.targets?.length, signal }));
    },
    publish: async (subject, payload, reply) => {
      nats.publish(subject, payload, reply === undefined ? {} : { reply });
      await nats.flush();
    },
    subscribe: async (subject, onPayload) => {
      nats.subscribe(subject, {
        callback: (error, message) => {
          // NATS itself says that nobody listens where a request went: whoever counts replies will miss them.
          if (error === null && message.headers?.code !== 503) onPayload(message.string(), message.subject);
        },
      });
      await nats.flush();
    },
    reconnected: async () => {
      // A flush that was waiting when the connection broke is rejected.
      while (
        !(await nats.flush().then(
          () => true,
          () => false,
        ))
      ) {
        if (nats.isClosed()) throw new Error('the client is closed');
        await sleep(50);
      }
    },
    close: () => nats.close(),
  };
};

const withoutUndefined = (options: {
  readonly timeout: number | undefined;
  readonly expect: number | undefined;
  readonly signal: AbortSignal | undefined;
}): WaitOptions => ({
  ...(options.timeout === undefined ? {} : { timeout: options.timeout }),
  ...(options.expect === undefined ? {} : { expect: options.expect }),
  ...(options.signal === undefined ? {} : { signal: options.signal }),
});
