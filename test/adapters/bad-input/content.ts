import { MAX_TTL } from '../world.ts';
import { type Case, filter, rpc } from './case.ts';

const now = Math.floor(Date.now() / 1000);

/** What is wrong with the fields and bodies of a request. */
export const CONTENT: readonly Case[] = [
  // clocks
  {
    what: 'a time that has expired',
    code: 'expired',
    send: { envelope: { time: now - 3_600 } },
    says: "behind this bridge's clock",
  },
  {
    what: 'a time in the future',
    code: 'from_the_future',
    send: { envelope: { time: now + 3_600 } },
    says: "ahead of this bridge's clock",
  },
  {
    what: 'a time older than the longest ttl, whatever its own',
    code: 'expired',
    send: { envelope: { time: now - MAX_TTL, ttl: 10 * MAX_TTL } },
    says: "behind this bridge's clock",
  },
  // fields
  {
    what: 'no federation header',
    code: 'missing_field',
    send: { headers: { federation: undefined } },
    says: 'federation header',
  },
  {
    what: 'no targets',
    code: 'invalid_target',
    send: { federation: { target: undefined } },
    says: 'no targets',
  },
  {
    what: 'an envelope without a ttl',
    code: 'missing_field',
    send: { envelope: { ttl: undefined } },
    says: 'ttl',
  },
  { what: 'a ttl of nothing', code: 'invalid_field', send: { envelope: { ttl: 0 } }, says: 'ttl 0' },
  { what: 'a ttl that is text', code: 'invalid_field', send: { envelope: { ttl: '60' } }, says: 'ttl' },
  {
    what: 'a time before all time',
    code: 'invalid_field',
    send: { envelope: { time: -1 } },
    says: 'time -1',
  },
  {
    what: 'a sender that is too long',
    code: 'invalid_field',
    send: { envelope: { senderid: 'a'.repeat(256) } },
    says: 'senderid',
  },
  {
    what: 'an endless trail',
    code: 'limit_exceeded',
    send: { headers: { 'seen-by': Array(65).fill(['a', 'b', 'c']) } },
    says: 'trail',
  },
  {
    what: 'a federation request id beyond all measure',
    code: 'limit_exceeded',
    send: { federation: { req: 'x'.repeat(100_000) } },
    says: 'reply token',
  },
  {
    what: 'a fact operator that nobody knows',
    code: 'unsupported_filter',
    send: { envelope: filter({ fact: [{ fact: 'a', operator: '~~', value: 'b' }] }) },
    says: 'operator',
  },
  {
    what: 'an expression that would match more nodes than its author meant',
    code: 'unsupported_filter',
    send: { envelope: filter({ compound: [[{ expr: 'not with("apache")' }]] }) },
    says: 'apache',
  },
  // bodies
  { what: 'a body that is no JSON', code: 'malformed_json', send: { body: '{"agent":' }, says: 'not JSON' },
  { what: 'a body that is no hash', code: 'unsupported_body', send: { body: '[1, 2]' }, says: 'body' },
  {
    what: 'a body without an action',
    code: 'missing_field',
    send: { body: rpc({ action: undefined }) },
    says: 'action',
  },
  {
    what: 'a body a thousand levels deep',
    code: 'limit_exceeded',
    send: { body: rpc({ data: { x: 0 } }).replace('0', '['.repeat(1_000) + ']'.repeat(1_000)) },
    says: '64 levels',
  },
  {
    what: 'a body of another agent',
    code: 'agent_mismatch',
    send: { body: rpc({ agent: 'puppet' }) },
    says: 'rpcutil',
  },
  {
    what: 'a body by another caller',
    code: 'caller_mismatch',
    send: { body: rpc({ caller: 'choria=bob.mcollective' }) },
    says: 'choria=alice.mcollective',
  },
  {
    what: 'a body with half a surrogate pair',
    code: 'unsupported_value',
    send: { body: '{"agent":"rpcutil","action":"ping","data":{"a":"\\ud800"}}' },
    says: 'surrogate',
  },
];
