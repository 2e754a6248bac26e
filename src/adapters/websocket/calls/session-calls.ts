import { EMPTY_FILTER } from '../../../envelope/filter.ts';
import type { ReadableReply } from '../../../envelope/message.ts';
import { asRejection, Rejection } from '../../../envelope/rejection.ts';
import { isoTime } from '../../../envelope/time.ts';
import type { Value } from '../../../envelope/value.ts';
import { CLOSE_CODES, SUBPROTOCOL } from '../../../transport/websocket/places.ts';
import { ByteBudget } from '../../kit/byte-budget.ts';
import { CallError, ERROR_CODES, refusedCall } from '../wire/errors.ts';
import { filterOf } from '../wire/filter.ts';
import type { CallParams, RequestId } from '../wire/messages.ts';
import { type Asked, readMessage } from '../wire/read.ts';
import { fields, writeError, writeResult } from '../wire/write.ts';
import { foresee, type Waiting } from './ask.ts';
import { Call, type CallSession, explain } from './call.ts';
import { discover } from './discovery.ts';
import type { Environment } from './environment.ts';

/** Messages that are no requests; a client that sends more of them speaks something else. Wrong params are a request's. */
const MAX_FAULTY = 32;
const FAULTY: ReadonlySet<number> = new Set([ERROR_CODES.parse, ERROR_CODES.invalidRequest]);

const WHO_IS_THERE = {
  agent: 'discovery',
  nodes: undefined,
  filter: EMPTY_FILTER,
  payload: { kind: 'discovery' },
  ttl: 1,
} as const;

/** Who a session is. */
export interface Who {
  readonly id: string;
  readonly caller: string;
  readonly from: string;
  /** Ms since the epoch. */
  readonly until: number | undefined;
}

/** How a session is spoken to. */
export interface Exit {
  say(session: string, text: Buffer | string): void;
  close(session: string, code: number, reason: string): void;
}

/** What a session has asked. */
export class SessionCalls implements CallSession {
  readonly id: string;
  readonly caller: string;
  readonly from: string;
  readonly budget: ByteBudget;
  readonly #until: number | undefined;
  readonly #exit: Exit;
  readonly #env: () => Environment;
  readonly #calls = new Map<string, Call>();
  readonly #waiting = new Map<number, Waiting>();
  #numbers = 0;
  /** Calls and questions that run. */
  #running = 0;
  #faulty = 0;
  #isOver = false;

  constructor({ id, caller, from, until }: Who, exit: Exit, env: () => Environment) {
    this.id = id;
    this.caller = caller;
    this.from = from;
    this.#until = until;
    this.#exit = exit;
    this.#env = env;
    this.budget = new ByteBudget(
      env().limits.queuedBytes,
      'replies already wait for the client to take them',
    );
  }

  get env(): Environment {
    return this.#env();
  }

  /** @throws Rejection `expired` where nobody is there any more in whose name it would be asked */
  await(waiting: Waiting): number {
    const isProven = this.#until === undefined || this.env.services.clock() < this.#until;
    if (this.#isOver || !isProven)
      throw new Rejection('expired', 'the session, or what proved who it is, has ended');
    const number = ++this.#numbers;
    this.#waiting.set(number, waiting);
    return number;
  }

  forget(number: number): void {
    this.#waiting.delete(number);
  }

  say(text: Buffer | string): void {
    if (!this.#isOver) this.#exit.say(this.id, text);
  }

  /** @throws Rejection `invalid_reply_to` where nobody waits for it any more */
  heard(number: number, reply: ReadableReply): void {
    const waiting = this.#waiting.get(number);
    if (waiting === undefined)
      throw new Rejection('invalid_reply_to', 'the call that it answers is over, or was cancelled');
    waiting.heard(reply);
  }

  /** A message of the client. */
  take(text: string): void {
    const message = readMessage(text);
    if ('error' in message) {
      this.#refuse(message.id, message.error);
      if (FAULTY.has(message.error.code) && ++this.#faulty > MAX_FAULTY)
        this.#exit.close(
          this.id,
          CLOSE_CODES.badRequest,
          'there were too many messages that are no requests',
        );
      return;
    }
    void this.#answer(message.id, message.asked);
  }

  /** The client has gone. */
  end(): void {
    this.#isOver = true;
    for (const call of this.#calls.values()) call.dropped();
    for (const waiting of this.#waiting.values()) waiting.dropped();
    this.#calls.clear();
    this.#waiting.clear();
  }

  #refuse(id: RequestId | undefined, error: CallError): void {
    const { caller, from: sender } = this;
    if (error.rejection !== undefined) this.env.sink.rejected(error.rejection.with({ caller, sender }));
    // Of what cannot be read nobody knows whether it has an id.
    if (id !== undefined || FAULTY.has(error.code)) this.say(writeError(id, error));
  }

  async #answer(id: RequestId | undefined, asked: Asked): Promise<void> {
    try {
      const { result, after } = await this.#carryOut(asked);
      if (id !== undefined) this.say(writeResult(id, result));
      after?.();
    } catch (error) {
      this.#refuse(id, error instanceof CallError ? error : refusedCall(asRejection(error)));
    }
  }

  /** @throws CallError, Rejection */
  async #carryOut(asked: Asked): Promise<{ readonly result: Value; readonly after?: () => void }> {
    switch (asked.method) {
      case 'session.info':
        return { result: this.#info() };
      case 'nodes.list':
        return { result: fields({ nodes: this.#known(asked.params.collective) }) };
      case 'discover': {
        const { collective, agent, timeout } = asked.params;
        const filter = filterOf(asked.params.filter);
        const asking = agent === undefined ? filter : { ...filter, agent: [...filter.agent, agent] };
        const nodes = await this.#counted(() =>
          discover(this, { collective, filter: asking, timeout, limit: undefined }),
        );
        return { result: fields({ nodes }) };
      }
      case 'rpc.call':
        return this.#call(asked.params);
      case 'rpc.explain':
        explain(this, asked.params);
        return { result: fields({}) };
      case 'rpc.cancel':
        this.#callOf(asked.params.id).cancel();
        return { result: fields({}) };
      case 'rpc.credit':
        this.#callOf(asked.params.id).credit(asked.params.n);
        return { result: fields({}) };
    }
  }

  async #call(params: CallParams): Promise<{ readonly result: Value; readonly after: () => void }> {
    this.#enter();
    try {
      const call = new Call(this, params, (it) => {
        this.#calls.delete(it.id);
        this.#running--;
      });
      const { id, nodes } = await call.start();
      this.#calls.set(id, call);
      return { result: fields({ id, nodes }), after: () => call.open() };
    } catch (error) {
      this.#running--;
      throw error;
    }
  }

  async #counted<T>(act: () => Promise<T>): Promise<T> {
    this.#enter();
    try {
      return await act();
    } finally {
      this.#running--;
    }
  }

  /** @throws CallError */
  #enter(): void {
    const { limits, isDraining } = this.env;
    if (isDraining()) throw refusedCall(new Rejection('draining', 'this bridge is shutting down'));
    const { calls } = limits;
    if (this.#running >= calls)
      throw refusedCall(new Rejection('overloaded', `this session has ${calls} calls already that run`));
    this.#running++;
  }

  /** @throws CallError */
  #callOf(id: string): Call {
    const call = this.#calls.get(id);
    if (call !== undefined) return call;
    throw new CallError(
      ERROR_CODES.unknownCall,
      new Rejection('invalid_field', 'this session has no such call, or it is over'),
      false,
    );
  }

  #known(collective: string): readonly string[] {
    const { around, services } = this.env;
    if (!around.collectives.includes(collective))
      throw new Rejection('collective_not_exported', `the collective ${collective} is not exported here`);
    // Whoever may not ask who is there is not told it either.
    const refused = foresee(this, { ...WHO_IS_THERE, collective });
    if (refused !== undefined) throw refusedCall(refused);
    return [...services.remoteNodes.names(collective)].toSorted();
  }

  #info(): Value {
    const { around, limits } = this.env;
    return fields({
      protocol: SUBPROTOCOL,
      caller: this.caller,
      identity: around.identity,
      collectives: around.collectives,
      until: this.#until === undefined ? undefined : isoTime(this.#until),
      limits: fields({
        ttl: around.maxTtl,
        targets: around.maxTargets,
        calls: limits.calls,
        message_bytes: limits.messageBytes,
      }),
    });
  }
}
