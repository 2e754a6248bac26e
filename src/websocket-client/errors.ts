/** The bridge has refused a request. */
export class RequestRefused extends Error {
  override readonly name = 'RequestRefused';
  /** Of JSON-RPC, or of the protocol. */
  readonly code: number;
  /** The reason code, such as `denied_by_policy`. */
  readonly reason: string;

  constructor(code: number, reason: string, message: string) {
    super(message);
    this.code = code;
    this.reason = reason;
  }
}

/** There is no connection, or it ended before the answer. What was asked may have been done. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost';
  /** With which the WebSocket was closed; undefined where the client itself was. */
  readonly code: number | undefined;

  constructor(code: number | undefined, message: string) {
    super(message);
    this.code = code;
  }
}
