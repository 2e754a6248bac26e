import type { IncomingMessage } from 'node:http';
import { isDeepStrictEqual } from 'node:util';
import type { NameSet } from '../policy/rules/callers.ts';
import { bearerOf, createProof, type Prove, type Proven } from '../transport/proof/proof.ts';
import { ProofRefusal } from '../transport/proof/refusal.ts';
import type { ProofSettings } from '../transport/proof/settings.ts';
import { Strangers } from './strangers.ts';

/** Who may see the page, and how he proves who he is. */
export interface PageLogin {
  readonly proof: ProofSettings;
  /** Names by which browsers reach the page, as the header Host has them. */
  readonly hosts: readonly string[];
  readonly allow: NameSet;
}

/** Somebody who was not let in. */
export interface Refused {
  /** His address. */
  readonly from: string;
  /** Once he has proven who he is. */
  readonly caller?: string;
  readonly sentence: string;
}

export interface DoorOptions {
  /** Ms since the epoch. */
  readonly clock: () => number;
  /** Told of some, never of more than ten a minute. */
  readonly onRefused: (refused: Refused) => void;
  /** Told when the keys of tokens cannot be had. */
  readonly onFailure: (error: Error) => void;
}

/** An answer in the place of what was asked for. */
export class DoorRefusal extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, sentence: string, headers: Readonly<Record<string, string>> = {}) {
    super(sentence);
    this.status = status;
    this.headers = headers;
  }
}

/** What counts of a proof while a connection stands: the certificate that browsers are shown does not. */
const counting = (login: PageLogin | undefined): unknown => {
  if (login === undefined) return undefined;
  const { tls, tokens } = login.proof;
  return { tokens, clientCa: tls?.clientCa, revocation: tls?.revocation };
};

const refusalOf = ({ status, message }: ProofRefusal): DoorRefusal =>
  new DoorRefusal(status, message, status === 401 ? { 'www-authenticate': 'Bearer' } : {});

/** Lets those in who may see what the page shows. Without a login that is everybody. */
export class Door {
  readonly #options: DoorOptions;
  readonly #strangers: Strangers;
  #login: PageLogin | undefined;
  #prove: Prove | undefined;

  constructor(login: PageLogin | undefined, options: DoorOptions) {
    this.#options = options;
    this.#strangers = new Strangers(options.clock);
    this.#login = login;
    this.#prove = login && createProof(login.proof, options);
  }

  /** Undefined: all of this machine. */
  get hosts(): readonly string[] | undefined {
    return this.#login?.hosts;
  }

  /** @returns who it is; undefined where nobody is asked @throws DoorRefusal */
  async admit(request: IncomingMessage): Promise<Proven | undefined> {
    const [login, prove] = [this.#login, this.#prove];
    if (login === undefined || prove === undefined) return undefined;
    const { remoteAddress: from = '' } = request.socket;
    const who = await this.#proven(request, prove, from);
    if (this.#login !== login) throw new DoorRefusal(503, 'The configuration has just changed: ask again.');
    if (login.allow.has(who.caller)) return who;
    const sentence = `${who.caller} may not see this page.`;
    if (this.#strangers.failed(from)) this.#options.onRefused({ from, caller: who.caller, sentence });
    throw new DoorRefusal(403, sentence);
  }

  /** Whether somebody who is in may stay. */
  allows({ caller }: Proven): boolean {
    return this.#login === undefined || this.#login.allow.has(caller);
  }

  /** @returns whether those who are in may stay as far as they are still allowed to; else what proved who they are counts no more */
  follow(login: PageLogin | undefined): boolean {
    const isSame = isDeepStrictEqual(counting(this.#login), counting(login));
    this.#login = login;
    // Keys of tokens that were asked for are kept.
    if (!isSame) this.#prove = login && createProof(login.proof, this.#options);
    return isSame;
  }

  async #proven(request: IncomingMessage, prove: Prove, from: string): Promise<Proven> {
    try {
      const token = bearerOf(request);
      const wait = token === undefined ? undefined : this.#strangers.barred(from, token);
      if (wait !== undefined)
        throw new DoorRefusal(429, 'Too many tokens from this address were refused: wait a minute.', {
          'retry-after': String(wait),
        });
      const who = await prove(request, token);
      if (token !== undefined) this.#strangers.good(token);
      return who;
    } catch (error) {
      if (!(error instanceof ProofRefusal)) throw error;
      // Who has shown nothing has guessed nothing, and where keys are missing the fault is ours.
      const isGuess = error.fault !== 'no_credentials' && error.fault !== 'keys_unknown';
      if (isGuess && this.#strangers.failed(from)) this.#options.onRefused({ from, sentence: error.message });
      throw refusalOf(error);
    }
  }
}
