import { z } from 'zod';
import { defineEgress, defineIngress } from '../../../src/adapters/adapter-type.ts';
import type {
  Adapter,
  AdapterContext,
  EgressServices,
  IngressServices,
} from '../../../src/adapters/descriptor.ts';
import { notSentTo, sendAllVia, sendVia } from '../../../src/adapters/kit/send.ts';
import { encodeToken, readToken } from '../../../src/adapters/kit/token.ts';
import type { SchemaContext } from '../../../src/config/context.ts';
import { path, setting } from '../../../src/config/fields.ts';
import { trimKey } from '../../../src/config/files.ts';
import { nodesFields, nodesOf } from '../../../src/config/nodes.ts';
import { EMPTY_FILTER } from '../../../src/envelope/filter.ts';
import { readable, readableReply } from '../../../src/envelope/message.ts';
import type { Egress, Ingress } from '../../../src/envelope/port.ts';
import { asRejection } from '../../../src/envelope/rejection.ts';
import type { Value } from '../../../src/envelope/value.ts';
import type { LinkSpec } from '../../../src/transport/spec.ts';
import { numberIn, prove, provedWire, REPLY, REQUEST, textIn, verify } from './proved-wire.ts';

export const REQUESTS = 'proved.requests';
const PLACE = /^(proved\.replies\.)([\w-]{60,})$/;

const fields = (context: SchemaContext) => ({
  secret_file: setting('what proves messages', path(context.resolve)),
});
type Config = { readonly type: string; readonly secret_file: string };

const spec = (side: 'ingress' | 'egress', name: string): LinkSpec => ({
  name,
  side,
  transport: 'proved',
  settings: {},
  servers: ['proved://server'],
  network: side,
  connect: () => {
    throw new Error('a replay connects nothing');
  },
  alone: () => spec(side, name),
  grantOf: () => '',
});

const common = (it: Config, name: string, side: 'ingress' | 'egress') => ({
  name,
  type: it.type,
  label: it.type,
  wire: provedWire('secret_file'),
  names: { form: 'proved=<name>', type: () => 'yes' as const },
  link: () => spec(side, name),
  requirements: () => [],
  keys: (): ReturnType<Adapter['keys']> => {
    const at = ['secret_file'];
    const messages = side === 'ingress' ? 'requests' : 'replies';
    return [{ kind: 'secret', use: 'verify', messages, setting: at, at, path: it.secret_file }];
  },
  observable: () => ({ sources: [] }),
});
const check = { files: () => undefined, patterns: [], lackFor: () => undefined };

const secretOf = (it: Config, { parse }: Pick<IngressServices, 'parse'>): string =>
  parse(it.secret_file, ['secret_file'], (bytes) => trimKey(bytes).toString());

const createIngress = (name: string, secret: string, { link, clock }: IngressServices): Ingress => ({
  name,
  accepts: ['rpc', 'discovery'],
  start: async (sink) => {
    await link.open();
    await link.subscribe({
      destination: REQUESTS,
      onMessage: ({ body, replyTo = '' }) => {
        try {
          const it = verify(body, REQUEST, secret);
          const common = { collective: 'proved', agent: 'echo' };
          const requestId = textIn(it, 'id');
          sink.request({
            ...common,
            id: requestId,
            caller: textIn(it, 'caller'),
            sender: 'client',
            time: clock(),
            ttl: 60_000,
            filter: EMPTY_FILTER,
            targets: [{ kind: 'broadcast', ...common }],
            payload: {
              kind: 'rpc',
              action: textIn(it, 'action'),
              data: new Map([['text', it.get('data') ?? '']]),
            },
            home: {
              ...common,
              ingress: name,
              replyTo,
              requestId,
              dialect: 'proved',
              expires: clock() + 60_000,
            },
          });
        } catch (error) {
          sink.rejected(asRejection(error));
        }
      },
    });
  },
  reply: (reply) => {
    const { home, sender, payload } = readableReply(reply);
    const document: [string, Value][] = [
      ['protocol', REPLY],
      ['id', home.requestId],
      ['sender', sender],
    ];
    if (payload.kind === 'rpc') document.push(['statuscode', payload.statusCode], ['data', payload.data]);
    sendVia(link, {
      destination: home.replyTo,
      body: prove(new Map(document), secret),
      expires: home.expires,
    });
  },
  drain: async () => undefined,
  close: () => link.close(),
  status: () => ({ name, ...link.state() }),
});

const createEgress = (
  name: string,
  secret: string,
  { cluster }: AdapterContext,
  { link, clock, tokenKey: key }: EgressServices,
): Egress => {
  const context = { key, cluster, protocol: 'proved', collective: 'proved' };
  return {
    name,
    accepts: ['rpc', 'discovery'],
    start: async (sink) => {
      await link.open();
      await link.subscribe({
        destination: 'proved.replies.>',
        onMessage: ({ destination, body }) => {
          try {
            const { home, broadcast } = readToken(PLACE.exec(destination)?.[2] ?? '', context);
            const it = verify(body, REPLY, secret);
            const data = it.get('data') ?? '';
            const payload = {
              kind: 'rpc',
              statusCode: numberIn(it, 'statuscode'),
              statusMessage: 'OK',
              data,
            } as const;
            sink.reply({ home, sender: textIn(it, 'sender'), time: clock(), payload, broadcast });
          } catch (error) {
            sink.rejected(asRejection(error));
          }
        },
      });
    },
    deliver: async (request, undelivered) => {
      const { id, caller, payload, home } = readable(request);
      const rpc =
        payload.kind === 'rpc' ? [['action', payload.action] as const, ['data', payload.data] as const] : [];
      const body = prove(
        new Map<string, Value>([['protocol', REQUEST], ['id', id], ['caller', caller], ...rpc]),
        secret,
      );
      const replyTo = `proved.replies.${encodeToken(home, undefined, context)}`;
      const message = { destination: REQUESTS, replyTo, body, expires: home.expires };
      sendAllVia(link, [message], notSentTo(undelivered, home));
    },
    close: () => link.close(),
    status: () => ({ name, ...link.state() }),
  };
};

const facts = { type: 'proved', transport: 'proved', anyServer: 'proved://server', opaque: undefined };

/** An ingress and an egress whose messages a shared secret proves. */
export const PROVED = [
  defineIngress({
    ...facts,
    schema: (context) => z.strictObject({ type: z.literal('proved'), ...fields(context) }),
    adapt: (it, name) => ({
      ...common(it, name, 'ingress'),
      check,
      cluster: undefined,
      standsForNodes: false,
      localEgress: undefined,
      share: undefined,
      carriesStatistics: false,
      takes: () => (destination) => destination === REQUESTS,
      directedTo: () => undefined,
      create: (_, services) => createIngress(name, secretOf(it, services), services),
    }),
  }),
  defineEgress({
    ...facts,
    schema: (context) =>
      z
        .strictObject({ type: z.literal('proved'), ...fields(context), ...nodesFields() })
        .transform((it) => ({ ...it, ...nodesOf(it) })),
    replyPath: {
      beforeToken: (place) => PLACE.exec(place)?.[1],
      of: ({ dir, destination, replyTo }) => (dir === 'out' ? replyTo : destination),
    },
    adapt: (it, name) => ({
      ...common(it, name, 'egress'),
      check: { ...check, asking: () => undefined },
      asks: false,
      privileged: [],
      replyGroups: () => [],
      create: (around, services) => createEgress(name, secretOf(it, services), around, services),
    }),
  }),
];
