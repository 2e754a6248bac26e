import type { ReadableReply } from '../../../envelope/message.ts';
import { Rejection } from '../../../envelope/rejection.ts';
import { type Link, LinkError } from '../../../transport/link.ts';
import { CLOSE } from '../../../transport/websocket/places.ts';
import type { Environment } from './environment.ts';
import { type Exit, SessionCalls, type Who } from './session-calls.ts';

/** How long what is said may wait for a link, in ms; it goes out at once, or the session is gone. */
const EXPIRES_MS = 60_000;

interface Known {
  readonly calls: SessionCalls;
  /** The link that it was heard by last. */
  by: Link;
}

/** The sessions of an ingress, whatever configuration they began under. */
export class AllSessions {
  readonly #sessions = new Map<string, Known>();
  #env: Environment | undefined;

  /** From now on calls are made in this one. */
  use(env: Environment): void {
    this.#env = env;
  }

  /** @param by where it was heard */
  of(who: Who, by: Link): SessionCalls {
    const known = this.#sessions.get(who.id);
    if (known !== undefined) {
      known.by = by;
      return known.calls;
    }
    const calls = new SessionCalls(who, this.#exit, () => this.#now());
    this.#sessions.set(who.id, { calls, by });
    return calls;
  }

  ended(id: string): void {
    this.#sessions.get(id)?.calls.end();
    this.#sessions.delete(id);
  }

  /** A link that is closed no longer tells which of its sessions have ended. */
  forgetGone(): void {
    for (const id of [...this.#sessions.keys()]) if (!this.#send(id, Buffer.alloc(0))) this.ended(id);
  }

  /** @throws Rejection `invalid_reply_to`, and what the call throws that waits for it */
  reply(reply: ReadableReply): void {
    const [id = '', number = ''] = reply.home.replyTo.split('.');
    const session = this.#sessions.get(id);
    if (session === undefined)
      throw new Rejection(
        'invalid_reply_to',
        'the session that asked has ended, or is that of another instance',
      );
    session.calls.heard(Number(number), reply);
  }

  readonly #exit: Exit = {
    say: (session, text) => this.#send(session, typeof text === 'string' ? Buffer.from(text) : text),
    close: (session, code, reason) => this.#send(session, Buffer.from(reason), { [CLOSE]: String(code) }),
  };

  /** By the link of now; one that has taken another's place does not have the sessions of that. */
  #send(session: string, body: Buffer, headers?: Readonly<Record<string, string>>): boolean {
    const { link, clock } = this.#now().services;
    const message = {
      destination: session,
      body,
      expires: clock() + EXPIRES_MS,
      ...(headers !== undefined && { headers }),
    };
    if (unlessGone(() => link.send(message))) return true;
    const before = this.#sessions.get(session)?.by;
    return before !== undefined && before !== link && unlessGone(() => before.send(message));
  }

  #now(): Environment {
    if (this.#env === undefined) throw new Error('sessions are there before their ingress has started');
    return this.#env;
  }
}

/** A link that has no such session any more, or is closed: whoever would be told is gone. */
const unlessGone = (act: () => void): boolean => {
  try {
    act();
    return true;
  } catch (error) {
    if (error instanceof LinkError) return false;
    throw error;
  }
};
