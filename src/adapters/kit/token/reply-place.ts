import crypto, { createHash } from 'node:crypto';
import type { ByteReader, ByteWriter } from '../../../codec/bytes.ts';
import type { Hop } from '../../../envelope/message.ts';
import { Rejection } from '../../../envelope/rejection.ts';
import type { TextReader, TextWriter } from './texts.ts';

/**
 * Where clients await their replies, in the forms that they are known to have; the rest of each is a text, which is often
 * the request id.
 *
 *     0  a text: any other place
 *     1  `<collective>.reply.<MD5>.<rest>`: both Choria clients, with the MD5 of the callerid
 *     2  the same, the MD5 left out: it is that of `choria=<name>`, the name being that of the trail's first hop
 *     3  `/queue/<collective>.reply.<rest>`: mco over ActiveMQ, the rest being `<identity>_<pid>.<sequence>`
 */
export type PlaceForm = 0 | 1 | 2 | 3;

/** The parts of a reply place that are written. */
export interface ReplyPlace {
  readonly form: PlaceForm;
  readonly collective: string;
  /** Hex digits; of forms 1 and 2. */
  readonly md5: string;
  readonly rest: string;
}

const CHORIA = /^([\w-]+)\.reply\.([0-9a-f]{32})\.(.+)$/s;
const LEGACY = /^\/queue\/([\w-]+)\.reply\.(.+)$/s;

/** In one go where this Node can: half the price. */
const md5: (text: string) => string =
  typeof crypto.hash === 'function'
    ? (text) => crypto.hash('md5', text, 'hex')
    : (text) => createHash('md5').update(text).digest('hex');

/** The MD5 that the reply subject of a trail's first hop has. Ruby's hop has its name first, Go's behind the server. */
const md5In = (hops: readonly Hop[] | undefined): string | undefined => {
  const [first] = hops ?? [];
  const name = first?.[first.length === 2 ? 0 : 1];
  return name === undefined ? undefined : md5(`choria=${name}`);
};

export const placeOf = (replyTo: string, hops: readonly Hop[] | undefined): ReplyPlace => {
  const [, collective = '', md5 = '', rest = ''] = CHORIA.exec(replyTo) ?? [];
  if (md5 !== '') return { form: md5 === md5In(hops) ? 2 : 1, collective, md5, rest };
  const [, queue = '', after = ''] = LEGACY.exec(replyTo) ?? [];
  if (queue !== '') return { form: 3, collective: queue, md5: '', rest: after };
  return { form: 0, collective: '', md5: '', rest: replyTo };
};

export const writePlace = (
  { form, collective, md5, rest }: ReplyPlace,
  writer: ByteWriter,
  texts: TextWriter,
): void => {
  if (form !== 0) texts.write(collective);
  if (form === 1) writer.encoded(md5, 16, 'hex');
  texts.write(rest);
};

/** @throws Rejection `token_malformed` */
export const readPlace = (
  form: PlaceForm,
  reader: ByteReader,
  texts: TextReader,
  hops: readonly Hop[] | undefined,
): string => {
  if (form === 0) return texts.read();
  const collective = texts.read();
  if (form === 3) return `/queue/${collective}.reply.${texts.read()}`;
  const md5 = form === 1 ? reader.bytes(16).toString('hex') : md5In(hops);
  if (md5 === undefined)
    throw new Rejection('token_malformed', 'the reply token has no trail to tell its way by');
  return `${collective}.reply.${md5}.${texts.read()}`;
};
