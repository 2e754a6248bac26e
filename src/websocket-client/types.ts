/** As much of a WebSocket as is used: that of browsers and of Node.js 22, or the one of the package `ws`. */
export interface WebSocketLike {
  send(text: string): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: string, listener: (event: object) => void): void;
}

export type WebSocketMaker = new (url: string, protocols: string[]) => WebSocketLike;

/** What JSON can say. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Which nodes are meant; all parts of it must hold. */
export interface NodeFilter {
  readonly fact?: readonly { readonly fact: string; readonly operator: string; readonly value: string }[];
  readonly cf_class?: readonly string[];
  readonly agent?: readonly string[];
  readonly identity?: readonly string[];
  /** Expressions of go-choria's. */
  readonly compound?: readonly string[];
}

export interface CallQuestion {
  readonly collective: string;
  readonly agent: string;
  readonly action: string;
  readonly data?: Readonly<Record<string, Json>>;
  readonly filter?: NodeFilter;
  /** The nodes that are asked. Without these and without `discover` all whom the filter matches. */
  readonly targets?: readonly string[];
  /** Seconds that nodes may take to say that they are there, before those are asked. */
  readonly discover?: number;
  /** How many of them are asked. */
  readonly limit?: number;
  /** How many are asked at a time. */
  readonly batch?: number;
  /** Seconds; 60 unless told. */
  readonly ttl?: number;
}

/** What of a call decides whether it may pass. */
export type ExplainQuestion = Pick<
  CallQuestion,
  'collective' | 'agent' | 'action' | 'data' | 'filter' | 'targets'
>;

export interface DiscoverQuestion {
  readonly collective: string;
  readonly agent?: string;
  readonly filter?: NodeFilter;
  /** Seconds; 2 unless told. */
  readonly timeout?: number;
}

export interface SessionInfo {
  readonly protocol: string;
  readonly caller: string;
  readonly identity: string;
  readonly collectives: readonly string[];
  /** ISO 8601. */
  readonly until?: string;
  readonly limits: {
    readonly ttl: number;
    readonly targets: number;
    readonly calls: number;
    readonly message_bytes: number;
  };
}

/** What one node answers. */
export interface NodeReply {
  readonly kind: 'reply';
  readonly seq: number;
  readonly sender: string;
  readonly statuscode: number;
  readonly statusmsg: string;
  readonly data: Json;
}

/** So many replies were dropped here. */
export interface Gap {
  readonly kind: 'gap';
  readonly missed: number;
}

/** How a call ended. */
export interface Done {
  readonly end: 'complete' | 'ttl' | 'cancelled' | 'refused';
  readonly stats: {
    readonly replies: number;
    /** That have answered; each counts once, by its first reply. */
    readonly nodes: number;
    readonly ok: number;
    readonly failed: number;
    readonly missed: number;
    readonly duration_ms: number;
  };
  /** Nodes that were asked and have not answered; undefined where nobody knows who was asked. */
  readonly unheard?: readonly string[];
  readonly error?: string;
}
