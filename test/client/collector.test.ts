import { describe, expect, it } from 'vitest';
import { Collector } from '../../src/client/collector.ts';
import type { ClientReply } from '../../src/client/reply.ts';
import { Rejection } from '../../src/envelope/rejection.ts';

const MiB = 1024 ** 2;
const from = (node: string): ClientReply => ({ node, payload: { kind: 'discovery' }, trail: undefined });

const collecting = () => {
  let isOver = false;
  const shown: string[] = [];
  const collector = new Collector(
    {
      requestId: 'a'.repeat(32),
      nodes: undefined,
      expect: undefined,
      sent: 1,
      onReply: ({ node }) => void shown.push(node),
    },
    () => 0,
    () => {
      isOver = true;
    },
  );
  return { collector, shown, isOver: () => isOver };
};

describe('replies of more than 64 MiB', () => {
  it('end the request, with what came before them', () => {
    const { collector, shown, isOver } = collecting();
    for (let index = 0; index < 63; index++) collector.reply(from(`n${index}`), MiB);
    expect(isOver()).toBe(false);
    for (let index = 63; index < 200; index++) collector.reply(from(`n${index}`), MiB);
    expect(isOver()).toBe(true);
    const { replies, rejected } = collector.answer();
    expect(replies).toHaveLength(63);
    expect(shown).toHaveLength(63);
    expect(rejected).toMatchObject([{ code: 'too_large', message: expect.stringContaining('64 MiB') }]);
  });

  it('count also where they are small, or refused', () => {
    const { collector, isOver } = collecting();
    const refused = new Rejection('malformed_json', 'x');
    for (let index = 0; index < 200_000; index++) {
      collector.reply(from('n'), 0);
      collector.reject(refused);
    }
    expect(isOver()).toBe(true);
    const { replies, rejected } = collector.answer();
    expect(replies.length + rejected.length).toBeLessThan(140_000);
  });
});
