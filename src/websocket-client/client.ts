import { Call, type CallHost } from './call.ts';
import { Connection, type ConnectionOptions, type Params } from './connection.ts';
import type {
  CallQuestion,
  DiscoverQuestion,
  Done,
  ExplainQuestion,
  Gap,
  NodeReply,
  SessionInfo,
} from './types.ts';

export interface WebSocketClientOptions extends ConnectionOptions {
  /** How many replies of a call may come before they are taken; 100 unless told. */
  readonly window?: number;
}

/**
 * A client of an ingress for WebSockets, for browsers and Node.js. It connects when it is first asked something, and anew when the
 * connection is lost; calls that ran are lost with it.
 */
export class WebSocketClient {
  readonly #connection: Connection;
  readonly #window: number;
  readonly #calls = new Map<string, Call>();
  /** What came before the answer that names its call. */
  readonly #early = new Map<string, ((call: Call) => void)[]>();

  /** @throws Error where there is no WebSocket */
  constructor({ window = 100, ...options }: WebSocketClientOptions) {
    this.#window = window;
    this.#connection = new Connection(
      options,
      (method, params) => this.#onNotice(method, params),
      (error) => {
        for (const call of this.#calls.values()) call.failed(error);
        this.#calls.clear();
        this.#early.clear();
      },
    );
  }

  /** Who it is, and what it can reach. @throws RequestRefused, ConnectionLost */
  async info(): Promise<SessionInfo> {
    return (await this.#connection.request('session.info', {})) as SessionInfo;
  }

  /** Nodes that have answered of late. @throws RequestRefused, ConnectionLost */
  async nodes(collective: string): Promise<readonly string[]> {
    return nodesIn(await this.#connection.request('nodes.list', { collective }));
  }

  /** Nodes that answer now. @throws RequestRefused, ConnectionLost */
  async discover(question: DiscoverQuestion): Promise<readonly string[]> {
    return nodesIn(await this.#connection.request('discover', question));
  }

  /** Resolves where a call would pass by route and policy now; nothing is sent. @throws RequestRefused as the call would, ConnectionLost */
  async explain(question: ExplainQuestion): Promise<void> {
    await this.#connection.request('rpc.explain', question);
  }

  /** @throws RequestRefused, ConnectionLost */
  async call(question: CallQuestion): Promise<Call> {
    const params = { ...question, credit: this.#window };
    const it = (await this.#connection.request('rpc.call', params)) as {
      readonly id: string;
      readonly nodes?: readonly string[];
    };
    const call = new Call(this.#host, { id: it.id, nodes: it.nodes }, this.#window);
    this.#calls.set(it.id, call);
    for (const act of this.#early.get(it.id) ?? []) act(call);
    this.#early.delete(it.id);
    return call;
  }

  /** Ends the connection, and does not come back. */
  close(): void {
    this.#connection.close();
  }

  readonly #host: CallHost = {
    // What becomes of it shows in the replies.
    credit: (id, n) => void this.#connection.request('rpc.credit', { id, n }).catch(() => undefined),
    cancel: async (id) => {
      await this.#connection.request('rpc.cancel', { id });
    },
  };

  #onNotice(method: string, { id, ...about }: Params): void {
    if (typeof id !== 'string') return;
    const act = this.#actOf(method, about);
    if (act === undefined) return;
    const call = this.#calls.get(id);
    // The promise of the answer is carried on with after the notices that came in the same turn.
    if (call === undefined) this.#early.set(id, [...(this.#early.get(id) ?? []), act]);
    else act(call);
  }

  #actOf(method: string, about: Params): ((call: Call) => void) | undefined {
    switch (method) {
      case 'rpc.reply':
        return (call) => call.came({ kind: 'reply', ...about } as NodeReply);
      case 'rpc.gap':
        return (call) => call.came({ kind: 'gap', ...about } as Gap);
      case 'rpc.done':
        return (call) => {
          this.#calls.delete(call.id);
          call.ended(about as unknown as Done);
        };
      default:
        return undefined;
    }
  }
}

const nodesIn = (result: unknown): readonly string[] =>
  (result as { readonly nodes: readonly string[] }).nodes;
