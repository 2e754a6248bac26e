import { describe, expect, it } from 'vitest';
import { encodeBase64 } from '../../src/codec/base64.ts';
import {
  captureLines,
  decode,
  kindsOf,
  layer,
  mapValue,
  parseLine,
  problemsOf,
  value,
  verdictsOf,
} from './support.ts';

/** The problems without their excerpts. */
const said = (bytes: string | Uint8Array) =>
  problemsOf(decode(bytes)).map(({ message, offset }) => [message, offset] as const);

const payload = parseLine(captureLines('choria-v1.ndjson')[0] ?? '').payload ?? '';
const marshal = Buffer.from(parseLine(captureLines('legacy-marshal.ndjson')[3] ?? '').body ?? '', 'base64');

describe('the place of damage', () => {
  it.each([
    ['JSON', '{"action":"x" "data":{}}', 'not JSON: unexpected text', 14],
    ['JSON after text of several bytes', '{"action":"ä✓" x}', 'not JSON: unexpected text', 18],
    ['JSON with a control character', '{"action":"a\u0001"}', 'not JSON: unexpected text', 12],
    ['what is not UTF-8', Buffer.from('{"action":"\xe9"}', 'latin1'), 'not UTF-8 text', 11],
    ['half a character', Buffer.from('{"action":"✓').subarray(0, 13), 'not UTF-8 text', 11],
    [
      'a half that begins as U+FFFD does',
      Buffer.from('7b22616374696f6e223a22efbf22', 'hex'),
      'not UTF-8 text',
      11,
    ],
    ['Marshal', Buffer.from('04087b063a0b616374696f6e6f', 'hex'), 'ends too early', 13],
    ['Marshal of another version', Buffer.from('040830ff', 'hex'), 'bytes after the end', 3],
    ['YAML', '---\n:action: [a\n', 'not YAML', 16],
    ['what is after a frame', 'SEND\na:b\n\nping\0\n\nrest', '4 bytes follow', 17],
    ['a frame that ends in its headers', 'SEND\na:b', 'within its headers', 8],
    ['a frame without its NUL', 'SEND\na:b\n\nping', 'no NUL', 14],
    ['a frame that lacks bytes', 'SEND\ncontent-length:9\n\nping', '5 bytes of its body are missing', 27],
    ['a frame with too many', 'SEND\ncontent-length:2\n\nping\0', 'longer than the content-length', 25],
    ['a frame with a length that is none', 'SEND\ncontent-length:x\n\nping\0', 'no length', 23],
    ['a frame with a header that is none', '\nSEND\nhello\n\nping\0', 'header line "hello"', 6],
    [
      'a frame with a good header before one that is none',
      'SEND\r\ndestination:/queue/ö\r\nbadheader\r\na:b\r\n\r\nping\0',
      'header line "badheader"',
      29,
    ],
    ['a frame with a header without a name', 'SEND\na:b\n:c\n\nping\0', 'header line ":c"', 9],
    ['an empty input', '', 'there is nothing', 0],
    ['a text', 'Hello, world', 'it is like no message', 0],
  ])('in %s', (_what, bytes, message, offset) => {
    const [first] = said(bytes);
    expect(first?.[0]).toContain(message);
    expect(first?.[1]).toBe(offset);
  });

  it('is in the base64, and what came before it is read', () => {
    const text = encodeBase64(Buffer.from(payload), 'wrapped');
    const at = text.indexOf('\n') * 3;
    const damaged = `${text.slice(0, at)}!${text.slice(at + 1)}`;
    expect(kindsOf(decode(damaged)).slice(0, 2)).toEqual(['base64', 'transport-v1']);
    expect(said(damaged)[0]).toEqual(['not base64 from here on', at]);
  });

  it('is shown with the bytes around it', () => {
    const [problem] = problemsOf(decode('{"action":"x" "data":{}}'));
    expect(problem?.excerpt).toEqual({ from: 0, bytes: Buffer.from('{"action":"x" "data":{}}') });
    const [far] = problemsOf(decode(`{"action":"${'x'.repeat(100)}" "data":{"a":1,"b":2}}`));
    expect(far?.excerpt?.from).toBe(97);
    expect(far?.excerpt?.bytes.toString()).toBe(`${'x'.repeat(14)}" "data":{"a":1,"b`);
  });

  it('is the end where a field is missing', () => {
    const request = '{"protocol":"choria:request:1","message":"ping"}';
    expect(said(request)).toEqual([['the request has no envelope', request.length]]);
    const yaml = '---\n:senderid: n1\n:body: x\n';
    expect(said(yaml)[0]).toEqual(['the reply has no :requestid', yaml.length]);
  });
});

describe('what is left of a damaged message', () => {
  it('is shown: a transport that is cut in its data', () => {
    const tree = decode(payload.slice(0, 1500));
    expect(kindsOf(tree)).toContain('request-v1');
    expect(value(tree, 'request-v1', 'agent')).toBe('discovery');
    expect(verdictsOf(tree)).toEqual([
      { of: 'signature', state: 'unverified', reason: 'the message is damaged' },
    ]);
  });

  it.each([
    ['{"action":"a","data":{"x":1,"y":[1,{"z":tr', '[1,{"z":null}]'],
    ['{"action":"a","data":{"x":1,"y":[1,2', '[1,2]'],
    ['{"action":"a","data":{"x":1,"y":[1,', '[1]'],
    ['{"action":"a","data":{"x":1,"y":"te\\u00', '"te"'],
    ['{"action":"a","data":{"x":1,"y":"te\\\\', '"te\\\\"'],
    ['{"action":"a","data":{"x":1,"y"', 'null'],
    ['{"action":"a","data":{"x":1,"y":', 'null'],
    ['{"action":"a","data":{"x":1,"y', 'null'],
  ])('is shown: %s', (text, expected) => {
    const data = mapValue(decode(text), 'rpc-request', 'data');
    expect(data.get('x')).toBe(1);
    const plain = (it: unknown): unknown => (it instanceof Map ? Object.fromEntries(it) : it);
    const y = data.has('y') ? data.get('y') : null;
    expect(JSON.stringify(Array.isArray(y) ? y.map(plain) : y)).toBe(expected);
  });

  it('is shown: a legacy message with a hash that is no base64', () => {
    const at = marshal.lastIndexOf('==\n');
    const damaged = Buffer.from(marshal);
    damaged[at - 5] = 0x21;
    const tree = decode(damaged);
    expect(kindsOf(tree)).toEqual(['legacy-request', 'legacy-signed', 'ping']);
    expect(problemsOf(tree)).toMatchObject([
      { message: expect.stringMatching(/^the :hash is not base64 from its character \d+ on$/) },
    ]);
    expect(verdictsOf(tree)[0]?.state).toBe('unverified');
  });

  it.each(['choria:transport:1', 'io.choria.protocol.v2.transport'])(
    'is shown: a %s whose data are no base64 from some character on',
    (protocol) => {
      const transport: Readonly<Record<string, string>> = JSON.parse(payload);
      const { data = '' } = transport;
      const damaged = `${data.slice(0, 400)}!${data.slice(401)}`;
      const tree = decode(JSON.stringify({ ...transport, protocol, data: damaged }));
      expect(problemsOf(tree)[0]).toEqual({ message: 'the data is not base64 from its character 400 on' });
      expect(value(tree, 'request-v1', 'senderid')).toBe('alice.mcollective');
    },
  );

  it('is shown: a line of a capture whose body is no base64', () => {
    const line = (captureLines('legacy-marshal.ndjson')[3] ?? '').replace('"body":"BAh7', '"body":"BAh7!');
    const tree = decode(line);
    expect(layer(tree, 'capture').problems).toMatchObject([
      { message: 'the body is not base64 from its character 4 on' },
    ]);
    expect(kindsOf(tree)).toEqual(['capture', 'stomp-frame', 'ruby']);
  });

  it('ends after twenty layers', () => {
    let text = 'ping';
    for (let i = 0; i < 25; i++) text = Buffer.from(text).toString('base64');
    const tree = decode(text);
    expect(kindsOf(tree)).toEqual(['unknown']);
    let shallow = 'ping';
    for (let i = 0; i < 15; i++) shallow = Buffer.from(shallow).toString('base64');
    expect(kindsOf(decode(shallow)).at(-1)).toBe('ping');
  });
});
