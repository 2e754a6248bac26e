import pTimeout from 'p-timeout';
import { fileReader } from '../../config/files.ts';
import { errorText } from '../../envelope/text.ts';
import { sideOf } from '../../setup/sides.ts';
import type { LoadedConfig } from '../../setup/types.ts';
import { type Link, LinkError, type LinkEvent } from '../../transport/link.ts';
import type { LinkSide, LinkSpec } from '../../transport/spec.ts';
import type { Transports } from '../../transport/transports.ts';
import { RecordError } from './problem.ts';
import type { Tap } from './recorder.ts';
import { LinkResolver, type ListeningOnce, onceEach, type SharedSource } from './shared-sources.ts';
import { sourcesOf } from './sources.ts';

export interface ListenOptions {
  readonly transports: Transports;
  readonly tap: Tap;
  /** Told, in a sentence, of what is not recorded and why, and of connections that come and go. */
  readonly note: (text: string) => void;
}

/** What is being listened to. */
export interface Listener {
  /** Destinations whose messages come in. */
  readonly sources: number;
  close(): Promise<void>;
}

/** How long a broker may take to confirm a subscription, in ms. ActiveMQ ends the connection instead of refusing one. */
const CONFIRM_TIMEOUT_MS = 10_000;

/** Each link's spec, made once: its files may be large. */
const specsOf = (loaded: LoadedConfig) => {
  const read = fileReader(loaded);
  const made = new Map<string, LinkSpec>();
  return ({ link, side }: { readonly link: string; readonly side: LinkSide }): LinkSpec => {
    const known = made.get(`${side} ${link}`);
    if (known !== undefined) return known;
    const found = sideOf(loaded.config, link, side);
    if (found === undefined) throw new Error(`a route names ${link}, which is not configured`);
    const spec = found.adapter.link(loaded.config, read);
    made.set(`${side} ${link}`, spec);
    return spec;
  };
};

const linkOf = (spec: LinkSpec, { transports, note }: ListenOptions): Link => {
  const { name, side } = spec;
  const onEvent = (event: LinkEvent): void => {
    if (event.kind === 'disconnected' || event.kind === 'retry')
      note(`${side} ${name}: not connected: ${event.reason}; messages until it is again are missed`);
    else if (event.kind === 'error' && !(event.error instanceof LinkError && event.error.code === 'refused'))
      note(`${side} ${name}: ${event.error.message}`);
  };
  return transports.open(spec, { failFast: true, onEvent });
};

/** @throws LinkError of the broker's refusal, or where it confirms nothing */
const subscribe = async (
  link: Link,
  side: ListeningOnce['side'],
  place: SharedSource,
  { tap, ways }: { readonly tap: Tap; readonly ways: LinkResolver },
): Promise<void> => {
  const { destination, dir } = place;
  const confirmed = link.subscribe({
    destination,
    onMessage: (message) => {
      const name = ways.linkOf(side, place, message);
      if (name !== undefined) tap.message({ ...message, link: name, side, dir });
    },
  });
  await pTimeout(confirmed, {
    milliseconds: CONFIRM_TIMEOUT_MS,
    message: new LinkError('refused', 'the broker does not confirm the subscription'),
  });
};

/**
 * Listens to all that can be heard of a configuration's links without taking it from anyone.
 * @throws LinkError where a broker cannot be used, RecordError where nothing may be listened to
 */
export const listen = async (loaded: LoadedConfig, options: ListenOptions): Promise<Listener> => {
  const links: Link[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(links.map((link) => link.close()));
  };
  let sources = 0;
  const specOf = specsOf(loaded);
  const all = onceEach(sourcesOf(loaded.config), specOf);
  const told = { tap: options.tap, ways: new LinkResolver(all) };
  const hear = async (listening: ListeningOnce): Promise<void> => {
    const { link: name, side, missed } = listening;
    if (missed !== undefined)
      options.note(`${side} ${name}: ${missed}: mcbridge run --record records all of it`);
    if (listening.sources.length === 0) return;
    const link = linkOf(specOf(listening), options);
    links.push(link);
    await link.open();
    await Promise.all(
      listening.sources.map(async (source) => {
        try {
          await subscribe(link, side, source, told);
          sources++;
        } catch (error) {
          options.note(`${side} ${name}: ${source.destination} is not recorded: ${errorText(error)}`);
        }
      }),
    );
  };
  try {
    await Promise.all(all.map(hear));
    if (sources === 0) throw new RecordError('no broker lets this configuration listen to anything');
  } catch (error) {
    await close();
    throw error;
  }
  return { sources, close };
};
