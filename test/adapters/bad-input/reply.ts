import { randomBytes } from 'node:crypto';
import type { RejectionCode } from '../../../src/envelope/rejection.ts';
import type { IncomingMessage } from '../../../src/transport/link.ts';
import { PONG, replyAround, replyTo } from '../daemon.ts';
import { aliceKeys, BRIDGE, MAX_BYTES, type WorldOptions } from '../world.ts';

const deepMarshal = Buffer.concat([
  Buffer.from('\x04\b'),
  Buffer.from('[\x06'.repeat(5_000)),
  Buffer.from('0'),
]);
const LEVELS = 40;
/** Each list holds the next one and a link to it: 2^40 elements in 240 bytes. */
const linkBomb = Buffer.concat([
  Buffer.from('\x04\b'),
  Buffer.from('[\x07'.repeat(LEVELS)),
  Buffer.from('00'),
  ...Array.from({ length: LEVELS - 1 }, (_, i) => Buffer.from([0x40, LEVELS - 1 - i + 5])),
]);
const yamlBomb = Buffer.from(
  `---\n- &a0 [x, x]\n${Array.from({ length: 40 }, (_, i) => `- &a${i + 1} [*a${i}, *a${i}]\n`).join('')}`,
);
const yaml = { egress: { serializer: 'yaml' } } as const;
const encoded = { egress: { base64: true } } as const;

/** A reply that is refused, and what the client is told of it. */
export interface RefusedReply {
  readonly what: string;
  readonly code: RejectionCode;
  readonly reply: (frame: IncomingMessage) => Promise<Buffer> | Buffer;
  /** Who answers, as far as the client is told: the node, or the bridge where no node is known. */
  readonly node?: string;
  readonly says: string;
  readonly world?: WorldOptions;
}

const marshalled = (text: string) => (frame: IncomingMessage) =>
  replyAround(frame, Buffer.from(`\x04\b${text}`, 'latin1'));
const inYaml = (text: string | Buffer) => (frame: IncomingMessage) =>
  replyAround(frame, Buffer.from(text), 'yaml');

export const REFUSED: readonly RefusedReply[] = [
  // around the signature
  {
    what: 'random bytes',
    code: 'malformed_marshal',
    reply: () => randomBytes(300),
    node: BRIDGE,
    says: 'a reply was refused',
  },
  {
    what: 'nothing',
    code: 'malformed_marshal',
    reply: () => Buffer.alloc(0),
    node: BRIDGE,
    says: 'a reply was refused',
  },
  {
    what: 'Marshal of another version',
    code: 'malformed_marshal',
    reply: () => Buffer.from('\x04\x090'),
    node: BRIDGE,
    says: '4.8',
  },
  {
    what: 'a list',
    code: 'wrong_protocol',
    reply: () => Buffer.from('\x04\b[\0'),
    node: BRIDGE,
    says: 'not a hash',
  },
  {
    what: 'an empty hash',
    code: 'missing_field',
    reply: () => Buffer.from('\x04\b{\0'),
    node: BRIDGE,
    says: ':senderid',
  },
  {
    what: '5,000 levels of lists',
    code: 'limit_exceeded',
    reply: () => deepMarshal,
    node: BRIDGE,
    says: 'levels',
  },
  {
    what: 'more bytes than allowed',
    code: 'too_large',
    reply: () => Buffer.alloc(MAX_BYTES + 1),
    node: BRIDGE,
    says: 'bytes',
  },
  {
    what: 'YAML where Marshal is spoken',
    code: 'malformed_marshal',
    reply: () => Buffer.from('---\n:a: 1\n'),
    node: BRIDGE,
    says: 'Marshal',
  },
  {
    what: 'no base64 where base64 is spoken',
    code: 'malformed_base64',
    reply: (frame) => replyTo(frame),
    node: BRIDGE,
    says: 'base64',
    world: encoded,
  },
  {
    what: 'YAML aliases that multiply',
    code: 'limit_exceeded',
    reply: () => yamlBomb,
    node: BRIDGE,
    says: '',
    world: yaml,
  },
  {
    what: 'YAML of a Ruby object',
    code: 'missing_field',
    reply: () => Buffer.from('--- !ruby/object:Gem::Installer\ni: x\n'),
    node: BRIDGE,
    says: 'senderid',
    world: yaml,
  },
  {
    what: 'broken YAML',
    code: 'malformed_yaml',
    reply: () => Buffer.from('--- [1, 2\n: }'),
    node: BRIDGE,
    says: '',
    world: yaml,
  },
  // who says it
  {
    what: 'another key’s signature',
    code: 'invalid_signature',
    reply: (frame) => replyTo(frame, { key: aliceKeys.privateKey }),
    says: 'server key',
  },
  {
    what: 'another request’s id',
    code: 'requestid_mismatch',
    reply: (frame) => replyTo(frame, { requestId: 'f'.repeat(32) }),
    says: 'f'.repeat(32),
  },
  {
    what: 'a node’s name that was not asked',
    code: 'unexpected_sender',
    reply: (frame) => replyTo(frame, { node: 'other.example.net' }),
    node: 'other.example.net',
    says: 'not asked',
  },
  // what it says
  {
    what: 'a pong from an RPC agent',
    code: 'unsupported_body',
    reply: (frame) => replyTo(frame, { payload: PONG }),
    says: 'rpcutil',
  },
  {
    what: 'a payload that is a number',
    code: 'unsupported_body',
    reply: marshalled('i\x06'),
    says: 'neither',
  },
  {
    what: 'an object of a class',
    code: 'unsupported_body',
    reply: marshalled('o:\x13Gem::Installer\0'),
    says: 'neither',
  },
  {
    what: 'links that multiply',
    code: 'limit_exceeded',
    reply: (frame) => replyAround(frame, linkBomb),
    says: '',
  },
  {
    what: 'a length of gigabytes',
    code: 'malformed_marshal',
    reply: marshalled('"\x04\xff\xff\xff\x7f'),
    says: 'length',
  },
  {
    what: 'a list that contains itself',
    code: 'unsupported_value',
    reply: marshalled('[\x06@\0'),
    says: 'contains itself',
  },
  {
    what: 'two keys that become one',
    code: 'unsupported_value',
    reply: marshalled(
      '{\x08:\x0fstatuscodei\0:\x0estatusmsg0:\x09data{\x07:\x06ai\x06I"\x06a\x06:\x06ETi\x07',
    ),
    says: '"a" in JSON, in data (',
  },
  {
    what: 'a status that is text',
    code: 'missing_field',
    reply: marshalled('{\x06:\x0fstatuscode"\x060'),
    says: 'statuscode',
  },
  { what: 'a signed YAML bomb', code: 'limit_exceeded', reply: inYaml(yamlBomb), says: '', world: yaml },
  {
    what: 'a signed Ruby object in YAML',
    code: 'unsupported_body',
    reply: inYaml('--- !ruby/object:Kernel {}\n'),
    says: 'neither',
    world: yaml,
  },
];
