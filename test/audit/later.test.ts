import { describe, expect, it, onTestFinished } from 'vitest';
import { Later } from '../../src/audit/later.ts';
import type { Answer, Audit, Refused } from '../../src/envelope/audit.ts';
import type { Decided } from '../../src/envelope/decision.ts';
import { Rejection } from '../../src/envelope/rejection.ts';

const ROUTE = { from: 'federation', to: 'legacy', name: 'federation → legacy' } as const;
const REJECTION = new Rejection('overloaded', 'too much');
const nothing = {} as Decided & Refused & Answer;

const makeLater = (given: Partial<Audit> = {}) => {
  const told: string[] = [];
  const audit: Audit = {
    record: () => void told.push('record'),
    refused: () => void told.push('refused'),
    unsent: (_, extent) => void told.push(`unsent ${extent}`),
    answered: () => void told.push('answered'),
    ...given,
  };
  const state = { isAwaited: false };
  const onFailure = (error: unknown): void => void told.push(String(error));
  const later = new Later({ audit, isAwaited: () => state.isAwaited, onFailure });
  onTestFinished(() => later.flush());
  return { later, told, state };
};

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('what nobody waits for', () => {
  it('is written down in the same turn of the event loop, behind what came, and in order', async () => {
    const { later, told } = makeLater();
    expect(later.record(nothing)).toBeUndefined();
    later.unsent(REJECTION, 'all', ROUTE);
    later.refused(nothing);
    later.answered(nothing);
    await Promise.resolve();
    expect(told).toEqual([]);
    await turn();
    expect(told).toEqual(['record', 'unsent all', 'refused', 'answered']);
    later.answered(nothing);
    await turn();
    expect(told).toHaveLength(5);
  });

  it('is written down before a request that waits', async () => {
    const written = Promise.resolve();
    const { later, told, state } = makeLater({
      record: () => {
        told.push('record');
        return written;
      },
    });
    later.answered(nothing);
    state.isAwaited = true;
    expect(later.record(nothing)).toBe(written);
    expect(told).toEqual(['answered', 'record']);
    await turn();
    expect(told).toHaveLength(2);
  });

  it('is written down at once when the audit is over', async () => {
    const { later, told } = makeLater();
    later.record(nothing);
    later.flush();
    expect(told).toEqual(['record']);
    await turn();
    expect(told).toEqual(['record']);
  });

  it('is told when it cannot be, and what is behind it is written down', async () => {
    const { later, told } = makeLater({
      refused: () => {
        throw new Error('no words for it');
      },
    });
    later.refused(nothing);
    later.answered(nothing);
    await turn();
    expect(told).toEqual(['Error: no words for it', 'answered']);
  });
});
