import { readFileSync } from 'node:fs';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { FAILURES, type FailureKind } from '../../../src/transport/failure/table.ts';
import { CONFIG_NAMES } from '../../../src/transport/failure/words.ts';
import { LinkError } from '../../../src/transport/link.ts';
import { endAll, SIDES, securely } from './bench.ts';
import { CONNECTING } from './connecting.ts';
import { LOGGED_IN, stopBroker } from './logged-in.ts';
import type { Makers } from './makers.ts';
import { SECURING, sha1, TLS_1_0, TRUSTING, WEAK } from './securing.ts';

/** Every cause, so that one without a maker does not compile. */
const MAKERS: Readonly<Record<FailureKind, Makers>> = { ...CONNECTING, ...SECURING, ...LOGGED_IN };

const NAMES: ReadonlyMap<string, string> = new Map(Object.entries(CONFIG_NAMES));

const quoted = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** What a text of the table looks like once it is filled in. */
const filled = (text: string): RegExp => {
  const parts = text.split(/( \(\{detail\}\)|\{\w+\})/).map((part) => {
    if (part === ' ({detail})') return '(?: \\(.+\\))?';
    const name = /^\{(\w+)\}$/.exec(part)?.[1];
    return name === undefined ? quoted(part) : quoted(NAMES.get(name) ?? '') || '.*';
  });
  return new RegExp(`^${parts.join('')}$`, 's');
};

/** The causes that a sentence may be of, after the server's URL. */
const kindsOf = (told: string): readonly string[] => {
  const sentence = /^(?:nats|stomp(?:\+ssl)?):\/\/\S+:\d+: (.*)$/s.exec(told)?.[1] ?? told;
  const kinds = Object.entries(FAILURES).filter(([, failure]) => filled(failure.sentence).test(sentence));
  const certain = kinds.filter(([kind]) => kind !== 'unknown');
  return (certain.length > 0 ? certain : kinds).map(([kind]) => kind);
};

const CASES = Object.entries(MAKERS).flatMap(([kind, makers]) =>
  SIDES.flatMap((side) =>
    [makers[side.name] ?? []]
      .flat()
      .map((maker, way) => ({ kind, protocol: side.name, way: way + 1, side, maker })),
  ),
);

afterEach(endAll);
afterAll(stopBroker);

describe('a link says it when there is', () => {
  test.for(CASES)('$kind ($protocol, $way)', { timeout: 90_000 }, async ({ kind, side, maker }) => {
    const said = await maker(side);
    const told = said instanceof LinkError ? said.message : said;
    expect(kindsOf(told), told).toEqual([kind]);
    expect(told).not.toMatch(/undefined|\{\w+\}|known to both/);
    if (said instanceof LinkError) {
      expect(said.hint()).toBeTruthy();
      expect(said.hint()).not.toMatch(/\{\w+\}/);
    }
  });
});

test('a connection that is closed before TLS is not blamed on certificates', () => {
  for (const kind of ['closed-early', 'closed-before-handshake', 'closed-at-login'] as const)
    expect(FAILURES[kind].hint).not.toMatch(/cert|\{ca\}/);
});

describe.for(SIDES)('an old server is connected to where the settings say so, $name:', (side) => {
  test.for([
    { what: 'TLS 1.0 alone', there: TLS_1_0, here: { minVersion: 'TLSv1', ...WEAK } },
    { what: 'a certificate with SHA-1', there: { ...sha1(), ...WEAK }, here: WEAK },
  ] as const)('$what', async ({ there, here }) => {
    const { link } = side.to(await securely(side, there), { tls: { ...TRUSTING, ...here } });
    await link.open();
    expect(link.state().up).toBe(true);
  });
});

test('docs/troubleshooting.md has each failure with its sentence, what to do, and where it can be', () => {
  const docs = readFileSync(new URL('../../../docs/troubleshooting.md', import.meta.url), 'utf8');
  for (const [kind, { sentence, hint }] of Object.entries(FAILURES)) {
    const where = SIDES.flatMap(({ name }) => (name in makersOf(kind) ? [name] : [])).join(', ');
    expect(docs).toContain(`| \`${kind}\` | ${sentence} | ${hint} | ${where} |`);
  }
  expect(docs.match(/^\| `/gm)).toHaveLength(Object.keys(FAILURES).length);
});

const makersOf = (kind: string): Makers => new Map(Object.entries(MAKERS)).get(kind) ?? {};
