import { z } from 'zod';
import { field, refuse, setting } from '../config/fields.ts';
import { type ListenAddress, readListen } from '../config/listen.ts';
import { isLoopback } from '../config/loopback.ts';

/** Where the live page is served. */
export type PageConfig = ListenAddress;

const listen = () =>
  field(
    'an address of this machine alone and a port such as 127.0.0.1:8223 or [::1]:8223, or off',
    readListen,
    {
      type: ['string', 'boolean'],
    },
  );

/** The live page; there is none unless the file gives an address. */
export const page = () =>
  z
    .strictObject({
      listen: setting('where the live page is served, on this machine only', listen().optional(), {
        default: 'off',
      }),
    })
    .superRefine(({ listen: address }, context) => {
      if (typeof address === 'object' && !isLoopback(address.host))
        refuse(
          context,
          ['listen'],
          `${address.host} can be reached from other machines, and the page has no login: give 127.0.0.1, [::1] or localhost`,
        );
    })
    .default({})
    .transform(({ listen: address }): PageConfig | undefined =>
      typeof address === 'object' ? address : undefined,
    );
