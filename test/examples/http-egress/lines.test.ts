import { describe, expect, it } from 'vitest';
import { Lines } from '../../../examples/http-egress/lines.js';
import { memoryInUse } from '../../support/memory.ts';

const LIMITS = { lines: 1_000, lineBytes: 1_000_000, bytes: 10_000_000 };
const NL = Buffer.from('\n');

/** As Node hands over what comes alone: each piece has memory of its own. */
const piece = (): Buffer => Buffer.from(new ArrayBuffer(1)).fill('x');

describe('lines of an answer', () => {
  it('are the same whatever the pieces that they come in', () => {
    const text = Buffer.from('one\n\ntwo and more\r\n\r\nthree');
    for (const size of [1, 2, 3, 5, 8, 100]) {
      const lines: string[] = [];
      const cut = new Lines(LIMITS, (line) => void lines.push(line.toString()));
      for (let at = 0; at < text.length; at += size) cut.add(text.subarray(at, at + size));
      cut.end();
      expect(lines).toEqual(['one', 'two and more\r', 'three']);
    }
  });

  it('take no more memory where they come byte by byte', () => {
    const lines: Buffer[] = [];
    const cut = new Lines(LIMITS, (line) => void lines.push(line));
    const before = memoryInUse();
    for (let i = 0; i < 200_000; i++) cut.add(piece());
    expect(memoryInUse() - before).toBeLessThan(2_000_000);
    cut.add(NL);
    expect(lines.map((line) => line.toString())).toEqual(['x'.repeat(200_000)]);
  });

  it('that somebody keeps stay as they are', () => {
    const lines: Buffer[] = [];
    const cut = new Lines(LIMITS, (line) => void lines.push(line));
    for (const chunk of ['a', 'b\nc', 'd\n']) cut.add(Buffer.from(chunk));
    expect(lines.map((line) => line.toString())).toEqual(['ab', 'cd']);
  });
});
