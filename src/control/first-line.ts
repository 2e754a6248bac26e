import type { Socket } from 'node:net';

export interface LineLimits {
  /** Bytes. */
  readonly longest: number;
  /** Ms. */
  readonly within: number;
}

/** The first line that comes; what comes after it is thrown away. @returns undefined where there is none within the limits */
export const firstLine = (socket: Socket, { longest, within }: LineLimits): Promise<string | undefined> =>
  new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const settle = (line?: string): void => {
      clearTimeout(timer);
      socket.off('data', take).off('end', none).off('close', none);
      // Else nobody would notice that the other side is gone.
      socket.resume();
      resolve(line);
    };
    const none = (): void => settle();
    const take = (chunk: Buffer): void => {
      const end = chunk.indexOf(0x0a);
      chunks.push(end === -1 ? chunk : chunk.subarray(0, end));
      length += chunks.at(-1)?.length ?? 0;
      if (length > longest) settle();
      else if (end !== -1) settle(Buffer.concat(chunks).toString());
    };
    const timer = setTimeout(none, within);
    socket.on('data', take).once('end', none).once('close', none);
  });
