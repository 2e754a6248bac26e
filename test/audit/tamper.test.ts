import { describe, expect, it } from 'vitest';
import { cutAfter, cutWithin, distance, edited, flipped, makeTamper, TAMPERINGS } from './tamper.ts';

const LINES = 60;

/** Each by itself; tamper.long.ts has a longer file, in which many are done at once. */
describe('mcbridge audit verify', () => {
  it('finds nothing in a file that nobody has touched', async () => {
    const { whole, found } = await makeTamper(LINES, 20);
    expect(await found(`${whole.join('\n')}\n`, { knows: true })).toEqual([]);
  });

  it.each(Object.entries(TAMPERINGS))('finds each line that is %s, and says where', async (_, tamper) => {
    const { whole, found } = await makeTamper(LINES, 20);
    for (let at = 0; at < whole.length; at++) {
      const edit = tamper(whole, at);
      if (edit === undefined) continue;
      // What has been cut off behind a head is seen by who knows of a later one.
      const findings = await found(edited(whole, [edit]).bytes, { knows: true });
      expect(findings, `line ${at + 1}`).not.toEqual([]);
      const far = distance(findings, at + 1, whole.length);
      expect(far, `line ${at + 1}: ${JSON.stringify(findings)}`).toBeLessThanOrEqual(1);
    }
  });

  it('finds a file that ends too early, where a later head is known', async () => {
    const { whole, found } = await makeTamper(LINES, 20);
    for (let at = 0; at < whole.length - 1; at++)
      expect(await found(cutAfter(whole, at), { knows: true }), `line ${at + 1}`).not.toEqual([]);
  });

  it('finds a file that ends in the middle of a line, and says where', async () => {
    const { whole, found } = await makeTamper(LINES, 20);
    for (let at = 0; at < whole.length; at++)
      expect(distance(await found(cutWithin(whole, at)), at + 1, 0), `line ${at + 1}`).toBe(0);
  });

  it('finds a flipped bit in every fourth byte of a line and a head, and in their line ends', async () => {
    const { whole, found } = await makeTamper(LINES, 20);
    for (const at of [10, whole.length - 1]) {
      const bytes = Buffer.byteLength(whole[at] ?? '') + 1;
      for (let byte = (bytes - 1) % 4; byte < bytes; byte += 4) {
        const bit = byte % 8;
        const { bytes: changed } = flipped(whole, [at], byte, bit);
        expect(await found(changed), `${at}: ${byte}, ${bit}`).not.toEqual([]);
      }
    }
  });
});
