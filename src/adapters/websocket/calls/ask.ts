import { createHash } from 'node:crypto';
import type { Filter } from '../../../envelope/filter.ts';
import type { ReadableReply, ReadableRequest, RequestPayload, Target } from '../../../envelope/message.ts';
import type { Rejection } from '../../../envelope/rejection.ts';
import type { Environment } from './environment.ts';

/** The dialect in the reply addresses of this protocol, which has one. */
const DIALECT = 'json';

/** Whoever waits for replies. */
export interface Waiting {
  /** @throws Rejection where it cannot take it */
  heard(reply: ReadableReply): void;
  /** The session is over. */
  dropped(): void;
}

/** What of a session a question needs. */
export interface Asker {
  readonly id: string;
  readonly caller: string;
  readonly from: string;
  /** The configuration of now. */
  readonly env: Environment;
  /** @returns the number by which replies find it @throws Rejection `expired` where the session is over */
  await(waiting: Waiting): number;
  forget(number: number): void;
}

export interface Question {
  readonly collective: string;
  readonly agent: string;
  /** Undefined: all whom the filter matches. */
  readonly nodes: readonly string[] | undefined;
  readonly filter: Filter;
  readonly payload: RequestPayload;
  /** Seconds. */
  readonly ttl: number;
}

/** A request that is on its way. */
export interface Sent {
  readonly number: number;
  /** 32 hex digits. */
  readonly id: string;
  /** Ms since the epoch. */
  readonly expires: number;
  /** Resolves once it has gone out, with why it was refused if it was. */
  readonly done: Promise<Rejection | undefined>;
}

/** No client chooses it, and a replay finds the same. */
export const idOf = (session: string, number: number): string =>
  createHash('sha256').update(`${session} ${number}`).digest('hex').slice(0, 32);

const targetsOf = ({ collective, agent, nodes }: Question): readonly Target[] =>
  nodes === undefined
    ? [{ kind: 'broadcast', collective, agent }]
    : nodes.map((node) => ({ kind: 'node', collective, node }));

/** A question as a request, in the name that the session has proven. */
const requestOf = (asker: Asker, question: Question, number: number): ReadableRequest => {
  const { name, around, services } = asker.env;
  const { collective, agent, filter, payload } = question;
  const id = idOf(asker.id, number);
  const time = Math.floor(services.clock() / 1000) * 1000;
  const ttl = Math.min(question.ttl, around.maxTtl) * 1000;
  const expires = time + ttl;
  const replyTo = `${asker.id}.${number}`;
  return {
    id,
    collective,
    agent,
    caller: asker.caller,
    sender: asker.from,
    time,
    ttl,
    filter,
    targets: targetsOf(question),
    payload,
    home: {
      ingress: name,
      replyTo,
      requestId: id,
      agent,
      collective,
      dialect: DIALECT,
      expires,
      bound: true,
    },
  };
};

/** Nobody has this number, so nobody has the id of what is only asked about. */
const NO_NUMBER = 0;

/** What would become of a question. @returns why it would be refused; undefined where it would go out */
export const foresee = (asker: Asker, question: Question): Rejection | undefined =>
  asker.env.sink.foresee(requestOf(asker, question, NO_NUMBER));

/** Hands a question to the bridge. */
export const ask = (asker: Asker, waiting: Waiting, question: Question): Sent => {
  const { sink } = asker.env;
  const number = asker.await(waiting);
  const request = requestOf(asker, question, number);
  const { id, home } = request;
  const done = new Promise<Rejection | undefined>((resolve) => sink.request(request, undefined, resolve));
  return { number, id, expires: home.expires, done };
};
