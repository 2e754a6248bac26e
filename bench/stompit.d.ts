/** What the benchmark uses of stompit, which brings no types. */
declare module 'stompit' {
  import type { Writable } from 'node:stream';

  export interface ConnectOptions {
    readonly host: string;
    readonly port: number;
    readonly connectHeaders: Readonly<Record<string, string>>;
  }

  export interface Client {
    send(headers: Record<string, string>): Writable;
    destroy(): void;
  }

  export const connect: (
    options: ConnectOptions,
    callback: (error: Error | null, client: Client) => void,
  ) => Client;

  const stompit: { readonly connect: typeof connect };
  export default stompit;
}
