import type { ByteReader, ByteWriter } from '../../../codec/bytes.ts';
import type { PlainTextReader, PlainTextWriter } from './plain-text.ts';

/** Tags of servers in a trail; texts.ts has the whole table. All but one come once for each scheme. */
const USUAL = 244;
const WITHOUT_PORT = 247;
const ADDRESS = 248;
const HOST = 251;

/** Each with the port that its servers have unless they are told another one. */
const SCHEMES = [
  { name: 'nats', port: 4222 },
  { name: 'stomp', port: 61_613 },
  { name: 'stomp+ssl', port: 61_614 },
] as const;
const SERVER = /^(nats|stomp|stomp\+ssl):\/\/([^:]+)(?::([1-9]\d{0,4}))?$/;

export const isServerTag = (tag: number): boolean => tag >= USUAL && tag < HOST + SCHEMES.length;

/** The bytes of an IPv4 address; undefined for what is not written the one way that these are. */
const addressOf = (host: string): readonly number[] | undefined => {
  if (!/^\d/.test(host)) return undefined;
  const parts = host.split('.').map(Number);
  const isOne = parts.length === 4 && parts.join('.') === host;
  return isOne && parts.every((part) => part >= 0 && part <= 0xff && Number.isInteger(part))
    ? parts
    : undefined;
};

/** @returns false, and writes nothing, for a text that is no server's name in one of the forms that have a tag */
export const writeServer = (text: string, writer: ByteWriter, plain: PlainTextWriter): boolean => {
  const [, name, host = '', digits] = text.includes('://') ? (SERVER.exec(text) ?? []) : [];
  if (name === undefined) return false;
  const scheme = SCHEMES.findIndex((one) => one.name === name);
  if (digits === undefined) {
    if (scheme !== 0) return false;
    writer.byte(WITHOUT_PORT);
    plain.write(host);
    return true;
  }
  const port = Number(digits);
  if (port > 0xffff) return false;
  const address = addressOf(host);
  if (address !== undefined) {
    writer.byte(ADDRESS + scheme);
    for (const part of address) writer.byte(part);
    writer.uint16(port);
  } else if (port === SCHEMES[scheme]?.port) {
    writer.byte(USUAL + scheme);
    plain.write(host);
  } else {
    writer.byte(HOST + scheme);
    plain.write(host);
    writer.uint16(port);
  }
  return true;
};

/** @throws Rejection `token_malformed` */
export const readServer = (tag: number, reader: ByteReader, plain: PlainTextReader): string => {
  if (tag === WITHOUT_PORT) return `${SCHEMES[0].name}://${plain.read()}`;
  const usual = SCHEMES[tag - USUAL];
  if (usual !== undefined) return `${usual.name}://${plain.read()}:${usual.port}`;
  const host = tag < HOST ? [...reader.bytes(4)].join('.') : plain.read();
  return `${SCHEMES[(tag - ADDRESS) % SCHEMES.length]?.name}://${host}:${reader.uint16()}`;
};
