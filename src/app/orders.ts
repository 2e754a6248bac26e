import { OrderRefused } from '../control/protocol.ts';
import type { Order, Orders } from '../control/server.ts';
import { isoTime } from '../envelope/time.ts';
import type { StatusDocument } from '../telemetry/status/document.ts';
import type { Reload, Reloads } from './reloads.ts';

/** As a tool reads it. */
const reloadObject = ({ at, ...rest }: Reload) => ({ at: isoTime(at), ...rest });

/** What an app does for who asks at its control socket. */
export const ordersOf = (app: {
  readonly reloads: Reloads;
  readonly document: () => StatusDocument;
}): Orders =>
  new Map<string, Order>([
    [
      'reload',
      async ({ dry_run: dryRun }) => {
        const cause = 'mcbridge reload';
        const done = await (dryRun === true ? app.reloads.compare(cause) : app.reloads.reload(cause));
        if (done.result === 'not_running')
          throw new OrderRefused('the bridge is ending: nothing is reloaded');
        return reloadObject(done);
      },
    ],
    ['status', () => app.document()],
  ]);
