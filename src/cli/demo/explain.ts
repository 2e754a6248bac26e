import {
  decodeRequest,
  decodeSecureReply,
  decodeSecureRequest,
  decodeTransport,
  formatJson,
  transportData,
} from '../../adapters/choria/wire/index.ts';
import { decodeReply } from '../../adapters/mcollective/wire/reply.ts';
import { decodeRequest as decodeLegacyRequest } from '../../adapters/mcollective/wire/request.ts';
import { createSerializer } from '../../adapters/mcollective/wire/serializer.ts';
import { fromRuby } from '../../adapters/mcollective/wire/values.ts';
import { DEFAULT_RUBY_LIMITS } from '../../codec/ruby/value.ts';
import { isMap, type Value } from '../../envelope/value.ts';
import type { Step } from './demo-bridge.ts';

/** One step of a translation, for people and for JSON. */
export interface Explanation {
  readonly title: string;
  readonly lines: readonly (readonly [label: string, text: string])[];
}

const marshal = createSerializer('marshal', DEFAULT_RUBY_LIMITS);

const shortened = (text: string, length = 72): string =>
  text.length > length ? `${text.slice(0, length)}…` : text;

const json = (value: Value): string => formatJson(value);

/** What one step shows about what the bridge does. */
export const explain = (step: Step): Explanation => {
  switch (step.at) {
    case 'nats-in': {
      const transport = decodeTransport(step.body, { maxBytes: step.body.length });
      const secure = decodeSecureRequest(transportData(transport.content).data);
      const request = decodeRequest(secure.message);
      return {
        title: 'Came in on NATS: a signed Choria request',
        lines: [
          ['subject', step.destination],
          ['targets', (transport.federation?.targets ?? []).join(', ')],
          ['reply-to', transport.replyTo ?? ''],
          ['caller', `${request.callerId}, proven by an RSA-SHA256 signature and its certificate`],
          ['request', `${request.requestId}, ttl ${request.ttl} s`],
          ['body', request.message],
        ],
      };
    }
    case 'envelope': {
      const { caller, callerOut, agent, collective, targets, requestId } = step.about;
      return {
        title: 'The envelope, in terms of neither protocol',
        lines: [
          ['request', requestId ?? ''],
          ['caller', `${caller} is ${callerOut}, by the rule choria=(.+)\\.mcollective → cert=$1`],
          ['collective', collective ?? ''],
          ['agent', agent ?? ''],
          ['targets', String(targets)],
        ],
      };
    }
    case 'stomp-out': {
      const request = decodeLegacyRequest(step.body, marshal);
      return {
        title:
          "Went out on STOMP: an MCollective request in Ruby Marshal, signed with the mapped caller's key",
        lines: [
          ['destination', step.destination],
          ['mc_identity', step.headers['mc_identity'] ?? ''],
          ['reply-to', shortened(step.headers['reply-to'] ?? '')],
          ['callerid', request.callerId],
          [':body', json(fromRuby(marshal.decode(request.body)))],
          [':hash', `RSA-SHA1, ${request.signature.length} bytes`],
        ],
      };
    }
    case 'stomp-in': {
      const reply = decodeReply(step.body, marshal);
      return {
        title: "Came back on STOMP: the node's reply, signed with the collective's server key",
        lines: [
          ['destination', shortened(step.destination)],
          ['senderid', reply.senderId],
          [':body', json(fromRuby(marshal.decode(reply.body)))],
        ],
      };
    }
    case 'nats-out': {
      const transport = decodeTransport(step.body, { maxBytes: step.body.length });
      return {
        title: 'Went home on NATS: a Choria reply, as from a Choria node',
        lines: [
          ['subject', step.destination],
          ['mc_sender', transport.sender ?? ''],
          ['reply', decodeSecureReply(transportData(transport.content).data).message],
        ],
      };
    }
  }
};

/** A reply's data as a short text. */
export const shownData = (data: Value): string =>
  isMap(data)
    ? [...data].map(([key, value]) => `${key}=${typeof value === 'string' ? value : json(value)}`).join(' ')
    : json(data);
