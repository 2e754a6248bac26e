import type { ReadableRequest } from '../../envelope/message.ts';
import type { ReplySink } from '../../envelope/port.ts';

/** Reports, for the log at level debug, that a request is signed and about to go out. */
export const tellSigned =
  (sink: () => ReplySink | undefined) =>
  ({ id, sender, caller, agent, collective, home: { flow } }: ReadableRequest): void =>
    sink()?.step?.('signed', {
      ...(flow !== undefined && { flow }),
      requestId: id,
      sender,
      caller,
      agent,
      collective,
    });
