import type { EgressSilence } from '../envelope/observer.ts';
import type { Cause } from '../envelope/port.ts';
import type { RejectionCode } from '../envelope/rejection.ts';
import { cut } from '../envelope/text.ts';

export interface Findings {
  /** Of the egress, the likeliest first. */
  readonly causes: readonly Cause[];
  /** What replies that came were refused for. */
  readonly unread: readonly RejectionCode[];
  /** Nodes that are known there in the collectives that were asked. */
  readonly known: number;
  /** Some of the nodes that were named, where every request named nodes and none of them is known. */
  readonly strangers?: readonly string[] | undefined;
}

type Likely = EgressSilence['causes'];

/**
 * What may be wrong, without what is known not to be. First what replies were refused for; then, where nodes have answered of
 * late, that others were asked for; what silences all of them it is not.
 */
export const likelyCauses = ({ causes, unread, known, strangers }: Findings): Likely => {
  const seen = causes.filter(({ codes }) => codes?.some((code) => unread.includes(code)));
  const rest = causes.filter((it) => !seen.includes(it) && it.silences !== 'none');
  if (known === 0) return [...seen, ...rest];
  const open = rest.filter(({ silences }) => silences === 'some');
  return [...seen, ...strangersAsked(strangers), ...open];
};

const strangersAsked = (strangers: readonly string[] = []): Likely => {
  if (strangers.length === 0) return [];
  const names = strangers.map((name) => cut(name)).join(', ');
  const sentence = `only nodes were named that have not answered there of late, such as ${names}`;
  return [{ cause: 'strangers', sentence }];
};
