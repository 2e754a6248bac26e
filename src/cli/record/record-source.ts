import { attach, type LiveTap } from '../../capture/record/attach.ts';
import { type Listener, type ListenOptions, listen } from '../../capture/record/listen.ts';
import type { Recorder } from '../../capture/record/recorder.ts';
import { errorText } from '../../envelope/text.ts';
import type { LoadedConfig } from '../../setup/types.ts';
import { BROKERS } from '../../transport/transports.ts';

/** What is recorded, and when no more of it comes. */
export interface RecordSource extends Pick<Listener, 'close'> {
  readonly over: Promise<void>;
}

/** The running bridge; undefined where it tells nothing, or is not there. */
export const attached = async ({ config }: LoadedConfig): Promise<LiveTap | undefined> =>
  config.recordSocket === undefined ? undefined : attach(config.recordSocket);

export const fromOutside = async (
  loaded: LoadedConfig,
  options: Pick<ListenOptions, 'tap' | 'note'>,
): Promise<RecordSource> => {
  const { recordSocket } = loaded.config;
  if (recordSocket !== undefined)
    options.note(
      `not from inside a bridge at ${recordSocket}: listening on the networks, where queues cannot be heard`,
    );
  const listener = await listen(loaded, { ...options, transports: BROKERS });
  return { over: new Promise(() => undefined), close: () => listener.close() };
};

export const fromInside = async (
  inside: LiveTap,
  recorder: Recorder,
  note: (text: string) => void,
): Promise<RecordSource> => {
  note('from inside the running bridge: all that goes through its links');
  const over = inside
    .read((entry) => recorder.entry(entry))
    .then(
      (reason) => note(`nothing more comes: ${reason}`),
      (error: unknown) => {
        // What came is a cassette all the same.
        note(errorText(error));
        process.exitCode = 1;
      },
    );
  return { over, close: async () => inside.close() };
};
