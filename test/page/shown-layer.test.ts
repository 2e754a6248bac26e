import { describe, expect, it } from 'vitest';
import { NO_REDACTION, type Redaction } from '../../src/audit/redaction.ts';
import { LAYERS, type LayerKind, layerOf } from '../../src/inspect/tree.ts';
import { shownLayer, shownLines } from '../../src/page/shown-layer.ts';

const DROP: Redaction = { keys: new Map([['password', 'drop']]), secret: undefined };
const SECRET = 'hunter2';

const textOf = (body: string, redaction: Redaction): string =>
  shownLines(Buffer.from(body), redaction, 0)
    .map((line) => line.map(({ text }) => text).join(''))
    .join('\n');

describe('a message as the page shows it', () => {
  it('has inputs as the audit writes them', () => {
    const body = JSON.stringify({
      ...{ agent: 'package', action: 'install', caller: 'choria=alice.mcollective', strange: SECRET },
      data: { password: SECRET, deep: { password: SECRET }, package: 'nginx' },
    });
    const shown = textOf(body, DROP);
    expect(shown).toContain('install');
    expect(shown).toContain('nginx');
    expect(shown).not.toContain(SECRET);
    expect(textOf(body, NO_REDACTION)).toContain(SECRET);
  });

  it.each([
    ['unknown bytes', `${SECRET} and more`],
    ['JSON that is no message', JSON.stringify({ password: SECRET, other: SECRET })],
    ['base64 of such', Buffer.from(JSON.stringify({ other: SECRET })).toString('base64')],
    ['a YAML document', `---\nother: ${SECRET}\n`],
    [
      'a reply, which no audit writes down',
      JSON.stringify({ statuscode: 0, statusmsg: SECRET, data: { out: SECRET } }),
    ],
    ['a request cut off', JSON.stringify({ action: 'a', data: { other: SECRET } }).slice(0, -3)],
    ['inputs that are no hash', JSON.stringify({ agent: 'a', action: 'a', data: [SECRET] })],
  ])('has nothing of %s', (_, body) => {
    const drop: Redaction = { keys: new Map([['*', 'drop']]), secret: undefined };
    expect(textOf(body, drop)).not.toContain(SECRET);
    expect(textOf(body, drop)).not.toContain(Buffer.from(SECRET).toString('hex'));
  });

  it('has the fields of envelopes alone, whatever kinds of layers there are', () => {
    const kinds = Object.keys(LAYERS) as LayerKind[];
    const open = kinds.filter((kind) => {
      const layer = layerOf(kind, { fields: [{ name: 'agent', value: SECRET }] });
      return shownLayer(layer, DROP).fields[0]?.value === SECRET;
    });
    expect(open.toSorted()).toEqual(
      [
        ...['stomp-frame', 'legacy-request', 'legacy-signed', 'ping', 'rpc-request'],
        ...[
          'transport-v1',
          'secure-request-v1',
          'request-v1',
          'transport-v2',
          'secure-request-v2',
          'request-v2',
        ],
      ].toSorted(),
    );
  });
});
