import type { LinkError, Right } from '../link.ts';
import type { SendCommand } from './subscriptions.ts';

const PROOF = 'proof-';
/** Selects nothing: a broker looks at the right to subscribe, and gives this subscription no message. */
const NOTHING = "mcbridge_check = 'nothing'";

interface Pending {
  readonly right: Right;
  readonly granted: () => void;
  readonly refused: (error: LinkError) => void;
}

/** Asks a broker for rights without taking or giving a message: it answers by a receipt, or by an error that names it. */
export class Proofs {
  readonly #pending = new Map<string, Pending>();
  #next = 1;

  /** @param now ms since the epoch @throws LinkError of the refusal, or of the end of the connection */
  prove(right: Right, now: number, send: SendCommand): Promise<void> {
    return new Promise((resolve, reject) => {
      const receipt = `${PROOF}${this.#next++}`;
      const { destination } = right;
      const granted = (): void => {
        if (right.kind === 'subscribe') send('UNSUBSCRIBE', { id: receipt, destination });
        resolve();
      };
      this.#pending.set(receipt, { right, granted, refused: reject });
      if (right.kind === 'subscribe')
        send('SUBSCRIBE', { id: receipt, destination, selector: NOTHING, ack: 'auto', receipt });
      // ActiveMQ drops what has expired before anybody gets it, after it has looked at the right to send it.
      else send('SEND', { destination, timestamp: `${now}`, expires: '1', receipt, 'content-length': '0' });
    });
  }

  /** What was asked for under this receipt. */
  asked(receipt: string): Right | undefined {
    return this.#pending.get(receipt)?.right;
  }

  /** @returns whether the receipt is one of these */
  receipt(id: string): boolean {
    const pending = this.#take(id);
    pending?.granted();
    return pending !== undefined;
  }

  /** @returns whether the receipt is one of these */
  refused(id: string, error: LinkError): boolean {
    const pending = this.#take(id);
    pending?.refused(error);
    return pending !== undefined;
  }

  disconnected(error: LinkError): void {
    for (const id of [...this.#pending.keys()]) this.refused(id, error);
  }

  #take(id: string): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    return pending;
  }
}
