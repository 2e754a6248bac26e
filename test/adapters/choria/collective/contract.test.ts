import { describe } from 'vitest';
import type { Dialect } from '../../../../src/adapters/choria/wire/index.ts';
import type { Egress } from '../../../../src/envelope/port.ts';
import { type Delivered, egressContract } from '../../../../src/testing/egress-contract.ts';
import type { IncomingMessage } from '../../../../src/transport/link.ts';
import { COLLECTIVE, makeBrokers } from '../../brokers.ts';
import { ALICE, errorReplyAddress, makeSigningEgress, readMessage } from './signed-world.ts';

const NODE = `${COLLECTIVE}.node.`;

describe.each<Dialect>(['ruby', 'go'])('with nodes of the %s dialect', (dialect) => {
  egressContract(`choria-collective (${dialect})`, async () => {
    const { nats, clock } = makeBrokers();
    const messages: IncomingMessage[] = [];
    const link = nats.link();
    for (const destination of [`${COLLECTIVE}.broadcast.>`, `${NODE}>`])
      await link.subscribe({ destination, onMessage: (message) => void messages.push(message) });
    const make = (): Egress => makeSigningEgress(nats.link(), { clock: () => clock.now });
    const delivered = ({ destination, body }: IncomingMessage): Delivered => {
      const { transport, wire, payload } = readMessage(body, clock.now);
      const { requestId: id, callerId: caller, ...rest } = wire;
      const answerWith = (bytes: Uint8Array): void =>
        link.send({
          destination: transport.replyTo ?? '',
          body: bytes,
          expires: Number.POSITIVE_INFINITY,
        });
      return {
        node: destination.startsWith(NODE) ? destination.slice(NODE.length) : undefined,
        request: { id, caller, ...rest, payload },
        answer: async (node, answer) =>
          answerWith(errorReplyAddress(body, node, { payload: answer, dialect })),
        answerFalsely: async (node) =>
          answerWith(
            errorReplyAddress(body, node, { secure: (text) => text.replace('n1.example', 'n2.example') }),
          ),
        answerWith,
      };
    };
    return {
      egress: make(),
      another: make,
      caller: ALICE,
      // Protocol 1 signs no replies: a checksum is all there is to prove.
      impostor: 'invalid_hash',
      unknownCaller: 'Cert=alice',
      now: Math.floor(clock.now / 1000),
      delivered: () => messages.map(delivered),
    };
  });
});
