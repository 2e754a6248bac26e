import { describe, expect, it } from 'vitest';
import { createSerializer } from '../../src/adapters/mcollective/wire/serializer.ts';
import { fieldBytes } from '../../src/adapters/mcollective/wire/text.ts';
import { encodeBase64 } from '../../src/codec/base64.ts';
import { DEFAULT_RUBY_LIMITS, encodeMarshal, RubyHash, symbol } from '../../src/codec/ruby/index.ts';
import { isWhole, type LayerKind } from '../../src/inspect/tree.ts';
import {
  captureLines,
  choriaLayers,
  decode,
  field,
  kindsOf,
  mapValue,
  parseLine,
  problemsOf,
  value,
  wireBytes,
} from './support.ts';

const choria = (fits: string) => {
  const payloads = captureLines('choria-v1.ndjson').map((line) => parseLine(line).payload ?? '');
  const found = payloads.map(choriaLayers).find((layers) => layers.join(' ').includes(fits));
  if (found === undefined) throw new Error(`no message with ${fits}`);
  return found;
};

/** The frame's body, and the document in it. */
const legacy = (serializer: 'marshal' | 'yaml', command: string, fits: string): readonly Buffer[] => {
  const { decode: read } = createSerializer(serializer, DEFAULT_RUBY_LIMITS);
  for (const line of captureLines(`legacy-${serializer}.ndjson`)) {
    const message = Buffer.from(parseLine(line).body ?? '', 'base64');
    if (parseLine(line).command !== command || !message.includes(fits)) continue;
    const outer = read(message);
    const body = fieldBytes(outer instanceof RubyHash ? outer.symbol('body') : undefined);
    if (body !== undefined) return [message, body];
  }
  throw new Error(`no ${command} with ${fits}`);
};

type Case = readonly [name: string, bytes: Buffer, kinds: readonly LayerKind[]];

const nested = (
  name: string,
  layers: readonly Buffer[],
  kinds: readonly LayerKind[],
  last: readonly LayerKind[] = [],
): readonly Case[] =>
  layers.map((bytes, i): Case => [`${name}: ${kinds[i]}`, bytes, [...kinds.slice(i), ...last]]);

const REQUEST_V1 = ['transport-v1', 'secure-request-v1', 'request-v1'] as const;
const REPLY_V1 = ['transport-v1', 'secure-reply-v1', 'reply-v1'] as const;

const CASES: readonly Case[] = [
  ...nested('Choria discovery', choria('\\"ping\\"'), [...REQUEST_V1, 'ping']),
  ...nested('Choria pong', choria('\\"pong\\"'), [...REPLY_V1, 'pong']),
  ...nested('Choria RPC request', choria('process_results'), [...REQUEST_V1, 'rpc-request']),
  ...nested('Choria RPC reply', choria('statuscode'), [...REPLY_V1, 'rpc-reply']),
  ...(['marshal', 'yaml'] as const).flatMap((serializer) => [
    ...nested(
      `${serializer} discovery`,
      legacy(serializer, 'SEND', 'discovery'),
      ['legacy-request', 'legacy-signed'],
      ['ping'],
    ),
    ...nested(
      `${serializer} RPC request`,
      legacy(serializer, 'SEND', 'process_results'),
      ['legacy-request', 'legacy-signed'],
      ['rpc-request'],
    ),
    ...nested(`${serializer} pong`, legacy(serializer, 'MESSAGE', 'pong'), ['legacy-reply', 'pong']),
    ...nested(`${serializer} RPC reply`, legacy(serializer, 'MESSAGE', 'statuscode'), [
      'legacy-reply',
      'rpc-reply',
    ]),
  ]),
];

describe('each layer alone', () => {
  it('is there to be tried', () => {
    expect(CASES).toHaveLength(16 + 16);
  });

  describe.each(CASES)('%s', (_name, bytes, kinds) => {
    it('is recognised', () => {
      const tree = decode(bytes);
      expect(kindsOf(tree)).toEqual(kinds);
      expect(problemsOf(tree)).toEqual([]);
    });

    it.each(['\n', '\r\n'])('is not disturbed by a line end %j in its file', (end) => {
      const tree = decode(Buffer.concat([bytes, Buffer.from(end)]));
      expect(kindsOf(tree)).toEqual(kinds);
      expect(isWhole(tree)).toBe(true);
    });

    it.each(['wrapped', 'plain'] as const)('is recognised in %s base64', (style) => {
      const tree = decode(encodeBase64(bytes, style));
      expect(kindsOf(tree)).toEqual(['base64', ...kinds]);
      expect(isWhole(tree)).toBe(true);
    });
  });
});

describe('other ways of writing', () => {
  it.each(['ping', '"ping"', ' ping\n', 'cGluZw==', 'InBpbmci\n'])('%j is a ping', (text) => {
    expect(kindsOf(decode(text)).at(-1)).toBe('ping');
  });

  it('reads a frame whose body is in base64, as plugin.activemq.base64 has it', () => {
    const [message = Buffer.of()] = legacy('marshal', 'SEND', 'discovery');
    const frame = `SEND\ndestination:/topic/mcollective.discovery.agent\n\n${encodeBase64(message, 'wrapped')}\0\n\n`;
    const tree = decode(frame);
    expect(kindsOf(tree)).toEqual(['stomp-frame', 'base64', 'legacy-request', 'legacy-signed', 'ping']);
    expect(isWhole(tree)).toBe(true);
  });

  it('reads frames with CRLF, and line ends before them', () => {
    const tree = decode('\n\r\nMESSAGE\r\nmc_sender:n1\r\ntimestamp:1795412083000\r\n\r\nping\0');
    expect(kindsOf(tree)).toEqual(['stomp-frame', 'ping']);
    expect(value(tree, 'stomp-frame', 'mc_sender')).toBe('n1');
    expect(field(tree, 'stomp-frame', 'timestamp').time).toBe(1_795_412_083_000);
  });

  it('shows what a broker complains about', () => {
    const tree = decode('ERROR\nmessage:no\n\nYou may not do \u001b[31mthat\0');
    expect(isWhole(tree)).toBe(true);
    expect(value(tree, 'stomp-frame', 'body')).toBe('You may not do \u001b[31mthat');
  });

  it('keeps integers of any size exact', () => {
    const tree = decode(
      '{"statuscode":0,"statusmsg":"OK","data":{"big":1180591620717411303424,"float":3.0}}',
    );
    expect(mapValue(tree, 'rpc-reply', 'data').get('big')).toBe(1_180_591_620_717_411_303_424n);
  });

  it('shows what the neutral model refuses, and says so', () => {
    const hash = new RubyHash([
      [symbol('statuscode'), 0],
      [symbol('statusmsg'), 'OK'],
      [
        symbol('data'),
        new RubyHash([
          [symbol('a'), 1],
          ['a', 2],
        ]),
      ],
    ]);
    const tree = decode(encodeMarshal(hash));
    expect(kindsOf(tree)).toEqual(['rpc-reply']);
    expect(value(tree, 'rpc-reply', 'data')).toBe('{:a=>1, "a"=>2}');
    expect(problemsOf(tree)[0]?.message).toContain('two keys');
  });

  it('writes the compound filters of both kinds of nodes as their users do', () => {
    const words = (compound: unknown) => {
      const filter = { fact: [], cf_class: ['/web/'], agent: [], identity: ['n1'], compound };
      const text = JSON.stringify({ protocol: 'choria:request:1', message: 'ping', envelope: { filter } });
      return field(decode(text), 'request-v1', 'filter').text;
    };
    const call = { name: 'fstat', params: '/etc/hosts', value: 'md5', operator: '=~', r_compare: '/ab/' };
    const tokens = [
      { statement: 'country=uk' },
      { and: 'and' },
      { not: 'not' },
      { '(': '(' },
      { fstatement: call },
      { or: 'or' },
      { fstatement: { name: 'puppet', params: null, operator: '==', r_compare: 'true' } },
      { ')': ')' },
    ];
    expect(words([tokens])).toBe(
      "class /web/; identity n1; compound country=uk and not (fstat('/etc/hosts').md5=~/ab/ or puppet()==true)",
    );
    expect(words([[{ expr: 'with("apache") and fact("a") == 1' }]])).toBe(
      'class /web/; identity n1; compound with("apache") and fact("a") == 1',
    );
    expect(words([7, [{ a: 1, b: 2 }]])).toContain('compound 7; compound {"a":1,"b":2}');
  });

  it('tells JSON and Ruby values that are no messages from those that are', () => {
    expect(kindsOf(decode('{"a":1}'))).toEqual(['json']);
    expect(problemsOf(decode('{"a":1}'))[0]?.message).toBe('it is no message of Choria or MCollective');
    expect(kindsOf(decode('--- 5\n'))).toEqual(['ruby']);
    expect(kindsOf(decode('hello there'))).toEqual(['unknown']);
  });

  it('reads what is in a frame the same as the frame of the capture', () => {
    const line = captureLines('legacy-yaml.ndjson').find((it) => it.includes('"SEND"')) ?? '';
    expect(kindsOf(decode(wireBytes(line)))).toEqual(kindsOf(decode(line)).slice(1));
  });
});

describe('YAML of another language than Ruby', () => {
  const [message] = legacy('yaml', 'SEND', 'rpcutil');
  const text = (message ?? Buffer.alloc(0)).toString().replace(/^---\n/, '');

  it.each([
    ['without a document start', text],
    ['after comments and an empty line', `# by hand\n\n${text}`],
    ['with symbols as tags', text.replaceAll(/^:([a-z]+):/gm, '!ruby/sym $1:')],
  ])('%s is a message', (_, yaml) => {
    expect(kindsOf(decode(yaml))[0]).toBe('legacy-request');
  });

  it('is a ping, ended by three dots', () => {
    expect(kindsOf(decode('ping\n...\n'))).toEqual(['ping']);
  });
});
