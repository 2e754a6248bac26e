import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { REJECTION_CODES, type RejectionCode } from '../../src/envelope/rejection.ts';
import { type Link, LinkError, type LinkErrorCode } from '../../src/transport/link.ts';
import { makeV2Key, makeV2Request, makeV2Token, parseV2Reply } from '../support/choria-v2.ts';
import {
  type Federation,
  type FederationOptions,
  makeFederation,
  STRICT,
} from './choria/collective/world.ts';
import { settled, until } from './world.ts';

const key = makeV2Key();
const caller = { callerid: 'up=alice', key, token: makeV2Token(key, key, 'up=alice', Date.now()) };
const NODE = 'mcollective.node.n1';

interface Given {
  readonly targets?: readonly string[];
  readonly collective?: string;
  readonly agent?: string;
  readonly headers?: Readonly<Record<string, string | number | boolean | object>>;
  /** Changes the message. */
  readonly spoil?: (payload: string) => string;
  readonly world?: FederationOptions;
}

/** How one code comes about. `never`: why no request of protocol 2 is refused so; what is in its body is read by nodes alone. */
type Entry =
  | { readonly answered: Given }
  | { readonly silent: Given; readonly why: string }
  | { readonly never: string };

/** A link that refuses what it is to send, at once or later. */
const refusing =
  (code: LinkErrorCode, when: 'now' | 'later' = 'now') =>
  (link: Link): Link => {
    const refuse: Link['sendAll'] = (messages, unsent) => {
      const error = new LinkError(code, 'no');
      if (when === 'now') throw error;
      setImmediate(() => unsent?.(error, messages.length));
    };
    return { ...link, send: (message, unsent) => refuse([message], unsent), sendAll: refuse };
  };

/** A link with a bug. */
const broken = (link: Link): Link => {
  const fail = (): never => {
    throw new TypeError('a bug');
  };
  return { ...link, send: fail, sendAll: fail };
};

const link = (code: LinkErrorCode): Given => ({ world: { link: refusing(code) } });

const INSIDE = 'what is inside is not read: it passes through or not at all';
const CALLERS = 'callers of protocol 2 are proven by tokens, which nobody looks at here';
const REPLIES = 'it is said of replies alone';

const VOCABULARY: Readonly<Record<RejectionCode, Entry>> = {
  too_large: { answered: link('too_large') },
  malformed_json: { silent: { spoil: (it) => it.slice(0, -1) }, why: 'it says nothing of who waits' },
  malformed_base64: { never: 'the data is read for an answer only, which damaged data does not get' },
  malformed_marshal: { never: INSIDE },
  malformed_yaml: { never: INSIDE },
  limit_exceeded: {
    silent: {
      spoil: (it) => it.replace('"headers":{', `"headers":{"x":${'['.repeat(40)}${']'.repeat(40)},`),
    },
    why: 'its headers are not read',
  },
  wrong_protocol: { answered: { collective: STRICT, targets: [`${STRICT}.node.n1`] } },
  missing_field: {
    silent: { spoil: (it) => it.replace('"reply":', '"other":') },
    why: 'it does not say where to',
  },
  invalid_field: {
    silent: { spoil: (it) => it.replace('"targets":[', '"targets":[7,') },
    why: 'its headers are not read',
  },
  unsupported_value: { never: INSIDE },
  unsupported_filter: { never: INSIDE },
  unsupported_body: { never: INSIDE },
  invalid_signature: { never: CALLERS },
  invalid_hash: { never: REPLIES },
  untrusted_certificate: { never: CALLERS },
  certificate_expired: { never: CALLERS },
  certificate_usage: { never: CALLERS },
  certificate_revoked: { never: CALLERS },
  revocation_unknown: { never: CALLERS },
  invalid_callerid: { never: CALLERS },
  caller_mismatch: { never: CALLERS },
  caller_not_allowed: { never: CALLERS },
  no_signing_key: { never: 'it is signed by its caller' },
  expired: {
    silent: { world: { link: refusing('expired', 'later') } },
    why: 'it waited until its time had ended, so nobody waits for an answer',
  },
  from_the_future: { never: INSIDE },
  invalid_reply_to: {
    silent: { headers: { reply: 'choria.federation.production.federation' } },
    why: 'an answer would go there',
  },
  invalid_target: { answered: { targets: [NODE, 'mcollective.x'] } },
  too_many_targets: {
    answered: { targets: Array.from({ length: 1_001 }, (_, i) => `mcollective.node.n${i}`) },
  },
  collective_not_exported: {
    silent: { headers: { reply: 'secret.reply.x.1' } },
    why: 'no replies are carried there',
  },
  collective_mismatch: { answered: { targets: [NODE, 'other.node.n1'] } },
  agent_mismatch: { never: INSIDE },
  no_mapping: { never: 'it keeps its caller' },
  privileged_mapping: { never: 'it keeps its caller' },
  loop: { answered: { headers: { trace: [['nats://a', 'production:1', 'nats://b']] } } },
  denied_by_policy: { never: CALLERS },
  rate_limited: { never: CALLERS },
  audit_unavailable: { never: 'no audit is on here' },
  token_malformed: { never: REPLIES },
  token_forged: { never: REPLIES },
  token_expired: { never: REPLIES },
  requestid_mismatch: { never: REPLIES },
  unexpected_sender: { never: REPLIES },
  overloaded: { answered: link('overloaded') },
  draining: { answered: link('closed') },
  not_permitted: { answered: { world: { link: refusing('refused', 'later') } } },
  far_side_failed: { answered: link('tls') },
  internal: { answered: { world: { link: broken } } },
};

const requestOf = ({ collective = 'mcollective', agent = 'rpcutil', ...given }: Given) => {
  const { targets = [NODE], headers, spoil = (it: string) => it } = given;
  const body = '{"agent":"rpcutil","action":"ping","data":{}}';
  const built = makeV2Request(caller, {
    ...{ collective, agent, body, targets, now: Date.now() },
    ...(headers && { headers }),
  });
  return { ...built, payload: spoil(built.payload) };
};

const answersIn = ({ federation }: Federation, replyTo: string) =>
  federation.filter(({ subject }) => subject === replyTo);

/** What comes of it, once it is refused. */
const refused = async (given: Given) => {
  const world = await makeFederation(given.world);
  const request = requestOf(given);
  world.request(request.payload);
  await until('it is refused', () => world.refusals().length > 0);
  await settled();
  return { world, request, codes: world.refusals() };
};

const entries = (kind: 'answered' | 'silent') =>
  Object.entries(VOCABULARY).flatMap(([code, entry]) => {
    if (kind === 'answered') return 'answered' in entry ? [{ code, given: entry.answered, why: '' }] : [];
    return 'silent' in entry ? [{ code, given: entry.silent, why: entry.why }] : [];
  });

describe('of the reasons for which a request is refused', () => {
  it('each one has its place here', () => {
    expect(Object.keys(VOCABULARY).toSorted()).toEqual([...REJECTION_CODES].toSorted());
  });

  it.each(entries('answered'))('a client of protocol 2 is told $code', async ({ code, given }) => {
    const { world, request, codes } = await refused(given);
    expect(codes).toEqual([code]);
    const answers = answersIn(world, request.replyTo);
    expect(answers).toHaveLength(1);
    const { sender, body } = parseV2Reply(answers[0]?.payload ?? '', request.requestId);
    expect(sender).toBe('bridge.example.net');
    expect(JSON.parse(body)).toMatchObject({
      statuscode: 5,
      statusmsg: expect.stringMatching(new RegExp(`\\(${code}\\)$`)),
    });
  });

  it.each(['overloaded', 'too_large', 'closed'] as const)(
    'that it did not go out later, too: %s',
    async (code) => {
      const { world, request } = await refused({ world: { link: refusing(code, 'later') } });
      const [answer] = answersIn(world, request.replyTo);
      expect(JSON.parse(parseV2Reply(answer?.payload ?? '', request.requestId).body)).toMatchObject({
        statuscode: 5,
      });
    },
  );

  it.each(entries('silent'))('nobody is told $code, for $why', async ({ code, given }) => {
    const { world, codes } = await refused(given);
    expect(codes).toEqual([code]);
    expect(world.federation.filter(({ subject }) => subject.includes('.reply.'))).toEqual([]);
  });

  it('no other is found by damaged requests', async () => {
    const possible = Object.entries(VOCABULARY).flatMap(([code, entry]) => ('never' in entry ? [] : [code]));
    const world = await makeFederation();
    const damage = fc.record({
      agent: fc.constantFrom('rpcutil', 'discovery'),
      collective: fc.constantFrom('mcollective', STRICT, 'other', 'secret'),
      targets: fc.array(
        fc.constantFrom(NODE, `${STRICT}.node.n1`, 'secret.node.n1', 'x', '', 'other.node.*'),
      ),
      name: fc.constantFrom('reply', 'sender', 'trace', 'federation', 'x'),
      value: fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.constant('mcollective.reply.x')),
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      put: fc.option(fc.string({ maxLength: 4 })),
    });
    await fc.assert(
      fc.asyncProperty(damage, async ({ name, value, at, put, ...rest }) => {
        const before = world.refusals().length;
        const { payload } = requestOf({
          ...rest,
          spoil: (it) => {
            const message = JSON.parse(it);
            const whole = JSON.stringify({ ...message, headers: { ...message.headers, [name]: value } });
            const place = Math.floor(at * whole.length);
            return put === null ? whole : whole.slice(0, place) + put + whole.slice(place + put.length);
          },
        });
        world.request(payload);
        await settled();
        for (const code of world.refusals().slice(before)) expect(possible).toContain(code);
      }),
      { numRuns: 400 },
    );
    // Most of them are refused, or nothing has been shown.
    expect(world.refusals().length).toBeGreaterThan(100);
  });
});
