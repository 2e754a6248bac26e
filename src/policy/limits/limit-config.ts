import { z } from 'zod';
import { ALWAYS, choice, field, integer, refuse, setting } from '../../config/fields.ts';
import { callerEntry } from '../rules/callers.ts';

const rate = () =>
  field(
    'a number above 0 such as 5 or 0.5, up to 1000000',
    (value) => {
      const number = typeof value === 'string' && /^\d+(?:\.\d+)?$/.test(value) ? Number(value) : value;
      return typeof number === 'number' && number > 0 && number <= 1_000_000 ? number : undefined;
    },
    { type: ['number', 'string'] },
  );

const burst = () => integer(1, 10_000_000);

/** How much may be asked in a while. */
export const limit = () =>
  z
    .strictObject({
      per: setting(
        'who share it: nobody, but each caller has it alone; all of callers together; all who come by one route',
        choice(['caller', 'group', 'route']),
      ),
      callers: setting('whom it is for; everybody unless given', z.array(callerEntry()).min(1).optional()),
      requests_per_second: setting('requests, discovery included, in the long run', rate().optional()),
      requests_burst: setting(
        'requests at once; where it is not given, as many as in a second',
        burst().optional(),
      ),
      nodes_per_second: setting(
        'nodes that requests reach, in the long run; discovery reaches none',
        rate().optional(),
      ),
      nodes_burst: setting(
        'nodes at once; where it is not given, as many as in a second',
        burst().optional(),
      ),
    })
    .superRefine((it, context) => {
      if (it.requests_per_second === undefined && it.nodes_per_second === undefined)
        refuse(context, [], 'limits nothing: give requests_per_second, nodes_per_second or both');
      for (const what of ['requests', 'nodes'] as const)
        if (it[`${what}_burst`] !== undefined && it[`${what}_per_second`] === undefined)
          refuse(context, [`${what}_burst`], `says nothing without ${what}_per_second`);
      if (it.per === 'group' && it.callers === undefined)
        refuse(context, ['callers'], 'is missing: they share the limit');
    }, ALWAYS);

export type LimitConfig = z.output<ReturnType<typeof limit>>;
