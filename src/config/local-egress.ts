import type { z } from 'zod';
import { refuse, setting, token } from './fields.ts';

const name = () => token('the name of an egress').optional();

/** The keys of an ingress that name the egress on its own side, whose nodes answer by themselves. */
export const localEgressFields = () => ({
  local_egress: setting('the egress on the same side, whose nodes answer by themselves', name()),
  beside: setting('the old name of local_egress, read for one version more', name(), { deprecated: true }),
});

interface Given {
  readonly local_egress?: unknown;
  readonly beside?: unknown;
}

export const checkLocalEgress = (it: Given, context: z.core.$RefinementCtx<Given>): void => {
  if (it.local_egress !== undefined && it.beside !== undefined)
    refuse(context, ['beside'], 'is the old name of local_egress, which is given too: leave beside out');
};

export const localEgressOf = (it: {
  readonly local_egress?: string | undefined;
  readonly beside?: string | undefined;
}): string | undefined => it.local_egress ?? it.beside;
