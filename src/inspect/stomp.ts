import type { Value } from '../envelope/value.ts';
import { CR, LF } from '../transport/stomp/frame.ts';
import { checkBeginning, endOfHead, parseHead } from '../transport/stomp/head.ts';
import type { Context } from './context.ts';
import { fieldsOf, MILLISECOND_MS } from './fields.ts';
import { objection, problemAt } from './problem.ts';
import { type Layer, layerOf, type Problem } from './tree.ts';

const COMMANDS = [
  'CONNECT',
  'STOMP',
  'CONNECTED',
  'SEND',
  'MESSAGE',
  'SUBSCRIBE',
  'UNSUBSCRIBE',
  'ACK',
  'NACK',
  'BEGIN',
  'COMMIT',
  'ABORT',
  'DISCONNECT',
  'RECEIPT',
  'ERROR',
];
const BEGINNING = new RegExp(`^(?:\\r?\\n)*(?:${COMMANDS.join('|')})\\r?\\n`);

/** Far more than a broker's own limit of line ends before a frame and of a command. */
const BEGINNING_BYTES = 256;

export const looksLikeFrame = (bytes: Buffer): boolean =>
  BEGINNING.test(bytes.toString('latin1', 0, BEGINNING_BYTES));

/** Headers in ms since the epoch; `expires` is 0 for never. */
const TIMES = { timestamp: MILLISECOND_MS, expires: MILLISECOND_MS };

/** What would open a broker to those who read along. */
const SECRET = 'passcode';
const HIDDEN = '(secret, not shown)';

/** The body of a broker's complaint is a text for people. */
const COMPLAINT = 'ERROR';

/** A frame from its parts, as a capture has them. */
export const frameLayer = (
  command: string,
  headers: ReadonlyMap<string, Value>,
  body: Buffer,
  context: Context,
  more: { readonly bytes?: number; readonly problems?: readonly Problem[] } = {},
): Layer => {
  const shown = new Map<string, Value>([['command', command], ...headers]);
  if (shown.has(SECRET)) shown.set(SECRET, HIDDEN);
  const isText = command === COMPLAINT;
  if (isText && body.length > 0) shown.set('body', body.toString());
  return layerOf('stomp-frame', {
    ...more,
    fields: fieldsOf(shown, { times: TIMES }),
    inside: isText || body.length === 0 ? [] : [context.inside(body)],
  });
};

const LENGTH = /^\d{1,15}$/;

interface Body {
  readonly body: Buffer;
  readonly problems: readonly Problem[];
}

/** The body, be it whole or not: it ends after `content-length` bytes, or else with a NUL. */
const readBody = (bytes: Buffer, start: number, stated: string | undefined): Body => {
  const counted = stated !== undefined && LENGTH.test(stated.trim()) ? Number(stated) : undefined;
  const nul = bytes.indexOf(0, start);
  const end = counted === undefined ? nul : start + counted;
  const problem = (at: number, message: string): readonly Problem[] => [problemAt(bytes, at, message)];
  if (stated !== undefined && counted === undefined)
    return {
      body: bytes.subarray(start, nul === -1 ? undefined : nul),
      problems: problem(start, 'the content-length is no length'),
    };
  if (end === -1 || end >= bytes.length) {
    const missing = counted === undefined ? 0 : end - bytes.length;
    const message =
      missing > 0
        ? `the frame is cut short: ${missing} bytes of its body are missing`
        : 'the frame has no NUL at its end';
    return { body: bytes.subarray(start), problems: problem(bytes.length, message) };
  }
  const body = bytes.subarray(start, end);
  if (bytes[end] !== 0) return { body, problems: problem(end, 'the body is longer than the content-length') };
  let rest = end + 1;
  // Line ends between frames are heart-beats.
  while (bytes[rest] === LF || bytes[rest] === CR) rest++;
  if (rest === bytes.length) return { body, problems: [] };
  return { body, problems: problem(rest, `${bytes.length - rest} bytes follow the end of the frame`) };
};

const COLON = 0x3a;

/** The byte where the first line of a head begins that is not a header; the head's first where all are. */
const wrongHeaderIn = (bytes: Buffer, from: number, to: number): number => {
  for (let start = bytes.indexOf(LF, from) + 1; start > 0 && start < to; ) {
    const lf = bytes.indexOf(LF, start);
    const colon = bytes.indexOf(COLON, start);
    if (colon === -1 || colon > lf || colon === start) return start;
    start = lf + 1;
  }
  return from;
};

/** A frame as it is on the wire. Header text stays as it is written: a frame alone does not say which version escaped it. */
export const readFrame = (bytes: Buffer, context: Context): Layer => {
  let at = 0;
  while (bytes[at] === LF || bytes[at] === CR) at++;
  const end = endOfHead(bytes, at);
  if (end === undefined) {
    const wrong = objection(bytes, () => checkBeginning(bytes, at));
    return layerOf('stomp-frame', {
      bytes: bytes.length,
      problems:
        wrong.length > 0 ? wrong : [problemAt(bytes, bytes.length, 'the frame ends within its headers')],
    });
  }
  let head: ReturnType<typeof parseHead> | undefined;
  const problems = objection(bytes, () => {
    head = parseHead(bytes.toString('utf8', at, end.head), undefined);
  });
  if (head === undefined)
    return layerOf('stomp-frame', {
      bytes: bytes.length,
      problems: problems.map(({ message }) => problemAt(bytes, wrongHeaderIn(bytes, at, end.head), message)),
    });
  const read = readBody(bytes, end.body, head.headers['content-length']);
  return frameLayer(head.command, new Map(Object.entries(head.headers)), read.body, context, {
    bytes: bytes.length,
    problems: read.problems,
  });
};
