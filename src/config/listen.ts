/** Where something listens. */
export interface ListenAddress {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
}

const ADDRESS = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})$/;

/** @returns undefined for what is no address and a port */
export const readAddress = (value: unknown): ListenAddress | undefined => {
  const [, address, name, port] = (typeof value === 'string' && ADDRESS.exec(value)) || [];
  const host = address ?? name;
  if (host === undefined || Number(port) > 65_535) return undefined;
  return { host, port: Number(port) };
};

/** `off` is what YAML 1.1 and people call false. @returns undefined for what is neither that nor an address and a port */
export const readListen = (value: unknown): ListenAddress | 'off' | undefined =>
  value === 'off' || value === false || value === 'false' ? 'off' : readAddress(value);
