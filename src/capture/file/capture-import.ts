import { z } from 'zod';
import type { IngressAdapter } from '../../adapters/descriptor.ts';
import { errorText } from '../../envelope/text.ts';
import { exportedBy } from '../../setup/ends.ts';
import type { Config } from '../../setup/types.ts';
import { bodyFields, type CassetteHeader, type CassetteMessage } from './format.ts';
import { linesOf } from './lines.ts';
import { CassetteError } from './problem.ts';

/** `{at, conn, dir, command, headers, body}` with the body in base64, as a tap before a STOMP broker writes it. */
const stompLine = z.object({
  at: z.number().int().min(0),
  dir: z.enum(['to-broker', 'from-broker']),
  command: z.string(),
  headers: z.record(z.string(), z.string()),
  body: z.base64(),
});

/** `{at, subject, reply, payload}` with the payload as text, as a subscriber of a NATS server's `>` writes it. */
const natsLine = z.object({
  at: z.number().int().min(0),
  subject: z.string().min(1),
  reply: z.string().nullish(),
  payload: z.string(),
});

export interface CaptureTarget {
  /** The ingress that the captured requests come in by. */
  readonly ingress: string;
  readonly config: Config;
}

/** What a bridge sees of a capture: the requests, in order. What it would send is for a replay to say. */
type Taken = (destination: string) => boolean;

/** @throws CassetteError without a place, where there is no such ingress */
const adapterOf = ({ ingress, config }: CaptureTarget): IngressAdapter => {
  const it = config.ingresses.get(ingress);
  if (it === undefined) throw new CassetteError(`the configuration has no ingress ${ingress}`);
  return it.adapter;
};

/** A frame's headers that belong to its way to the broker and not to the message. */
const OWN_HEADERS: ReadonlySet<string> = new Set(['content-length', 'content-type', 'receipt']);

const ofStomp = ({ at, headers, body }: z.output<typeof stompLine>, link: string): CassetteMessage => {
  const replyTo = headers['reply-to'];
  return {
    at,
    link,
    side: 'ingress',
    dir: 'in',
    destination: headers['destination'] ?? '',
    ...(replyTo !== undefined && { reply_to: replyTo }),
    headers: Object.fromEntries(Object.entries(headers).filter(([name]) => !OWN_HEADERS.has(name))),
    ...bodyFields(Buffer.from(body, 'base64')),
  };
};

const ofNats = (
  { at, subject, reply, payload }: z.output<typeof natsLine>,
  link: string,
): CassetteMessage => ({
  at,
  link,
  side: 'ingress',
  dir: 'in',
  destination: subject,
  ...(reply !== undefined && reply !== null && reply !== '' && { reply_to: reply }),
  text: payload,
});

/** @throws CassetteError without a place, for what is not a line of a capture */
const messageOf = (text: string, link: string, isTaken: Taken): CassetteMessage | undefined => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new CassetteError(`it is not JSON: ${errorText(error)}`);
  }
  const nats = natsLine.safeParse(value);
  if (nats.success) return isTaken(nats.data.subject) ? ofNats(nats.data, link) : undefined;
  const stomp = stompLine.safeParse(value);
  if (!stomp.success)
    throw new CassetteError('it is no line of a capture: neither {at, subject, payload} nor a STOMP frame');
  const { dir, command, headers } = stomp.data;
  return dir === 'to-broker' && command === 'SEND' && isTaken(headers['destination'] ?? '')
    ? ofStomp(stomp.data, link)
    : undefined;
};

/**
 * The requests of a capture as messages of a cassette that come in by one ingress.
 * @throws CassetteError that names file and line
 */
export async function* importCapture(file: string, target: CaptureTarget): AsyncGenerator<CassetteMessage> {
  const { ingress, config } = target;
  const isTaken = adapterOf(target).takes(exportedBy(ingress, config));
  for await (const { text, line } of linesOf(file)) {
    try {
      const message = messageOf(text, ingress, isTaken);
      if (message !== undefined) yield message;
    } catch (error) {
      throw error instanceof CassetteError ? error.at(file, line) : error;
    }
  }
}

/** What the header of a cassette needs to know of all its messages. */
export interface CaptureSummary {
  readonly count: number;
  /** Ms since the epoch of the first; 0 where there is none. */
  readonly clock: number;
  readonly nodes: CassetteHeader['nodes'];
}

/** Goes through a capture once. A message to a node shows that the node lives behind the first route that leads there. */
export const summariseCapture = async (file: string, target: CaptureTarget): Promise<CaptureSummary> => {
  const { ingress, config } = target;
  const { directedTo } = adapterOf(target);
  const nodes = new Map<string, Map<string, Set<string>>>();
  let count = 0;
  let clock = 0;
  for await (const message of importCapture(file, target)) {
    if (count++ === 0) clock = message.at;
    const { collective, node } = directedTo(message) ?? {};
    const route = config.routes.find(
      ({ from, collectives }) =>
        from === ingress && collective !== undefined && collectives.includes(collective),
    );
    if (route === undefined || collective === undefined || node === undefined) continue;
    const places = nodes.get(route.to) ?? new Map<string, Set<string>>();
    nodes.set(route.to, places.set(collective, (places.get(collective) ?? new Set<string>()).add(node)));
  }
  return {
    count,
    clock,
    nodes: Object.fromEntries(
      [...nodes].map(([egress, places]) => [
        egress,
        Object.fromEntries([...places].map(([collective, names]) => [collective, [...names].toSorted()])),
      ]),
    ),
  };
};
