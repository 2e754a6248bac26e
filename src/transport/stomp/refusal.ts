import { LinkFailure } from '../failure/failure.ts';
import type { FailureKind } from '../failure/table.ts';
import type { Right } from '../link.ts';
import type { Frame } from './frame.ts';
import { grantOf } from './grant.ts';
import { type StompServer, type StompSettings, serverUrl } from './options.ts';
import { STOMP_WORDS } from './words.ts';

type Account = Pick<StompSettings, 'login' | 'passcode'>;

const MAX_TEXT_CHARS = 300;

/** What brokers say to CONNECT. */
const BY_TEXT: readonly (readonly [text: RegExp, kind: FailureKind])[] = [
  // ActiveMQ: "User name [x] or password is invalid."; RabbitMQ: "Bad CONNECT" with body "Access refused for user 'x'".
  [/password|passcode|credential|access refused|authenticat/i, 'login-refused'],
  [/(too many|maximum|limit|exceeded).*(connection|client)/i, 'too-many-connections'],
];

/** An ERROR frame as the answer to CONNECT. */
export const refusal = (server: StompServer, account: Account, frame: Frame): LinkFailure => {
  const said = brokerText(frame, account);
  const kind = BY_TEXT.find(([text]) => text.test(said))?.[1] ?? 'not-let-in';
  const isBare = kind === 'login-refused' && account.login === undefined;
  const who = account.login === undefined ? 'no user' : `user "${account.login}"`;
  return new LinkFailure(STOMP_WORDS, serverUrl(server), isBare ? 'login-missing' : kind, `${who}: ${said}`);
};

/** An ERROR frame at any other time. */
export const brokerError = (server: StompServer, account: Account, frame: Frame): LinkFailure => {
  const said = brokerText(frame, account);
  const kind = TOO_LARGE.test(said) ? 'too-large' : 'reported';
  return new LinkFailure(STOMP_WORDS, serverUrl(server), kind, said);
};

/** ActiveMQ's StompWireFormat.java and StompCodec.java. */
const TOO_LARGE = /^the maximum [a-z ]+ was exceeded|^frame size of .* larger than max/i;

/** ActiveMQ's security/AuthorizationBroker.java. */
const NOT_AUTHORIZED = /not authorized to (read from|write to|create)[^\w-]+([a-z-]+):\/\/(\S+)/;

/** What an ERROR frame refuses, where the connection goes on after it: ActiveMQ keeps it. */
export interface Refused {
  readonly error: LinkFailure;
  readonly right: Right;
}

/**
 * What a broker does not let this user do.
 * @param asked what the frame's `receipt-id` says was asked for; a message has none
 * @returns undefined for an error that is about something else
 */
export const refused = (
  server: StompServer,
  account: Account,
  frame: Frame,
  asked: Right | undefined,
): Refused | undefined => {
  const said = brokerText(frame, account);
  const [, what, type, name] = NOT_AUTHORIZED.exec(said) ?? [];
  const failure = (kind: FailureKind, right: Right, advice?: string): Refused => {
    const detail = kind === 'bad-subscription' ? `${right.destination}: ${said}` : right.destination;
    const options = advice === undefined ? {} : { advice };
    return { right, error: new LinkFailure(STOMP_WORDS, serverUrl(server), kind, detail, options) };
  };
  if (what === undefined) return asked?.kind === 'subscribe' ? failure('bad-subscription', asked) : undefined;
  const right = asked ?? {
    kind: what === 'read from' ? 'subscribe' : 'publish',
    destination: `/${type}/${name}`,
  };
  const denied = right.kind === 'publish' ? 'may-not-publish' : 'may-not-subscribe';
  return failure(
    what === 'create' ? 'may-not-create' : denied,
    right,
    `in activemq.xml, GROUP being one of this user's: ${grantOf(right)}`,
  );
};

/** The broker's own words: its `message`, and the body's first line where it says more (then comes a stack trace). */
const brokerText = (frame: Frame, { passcode }: Account): string => {
  const message = frame.headers['message'] ?? '';
  const [first = ''] = frame.body.toString('utf8', 0, 4 * MAX_TEXT_CHARS).split(/\r?\n/, 1);
  const both = first === '' || message.includes(first) ? message : `${message} ${first}`;
  const text = both.trim() === '' ? 'no reason given' : both.trim();
  const safe = passcode === undefined || passcode === '' ? text : text.replaceAll(passcode, '***');
  return safe.length > MAX_TEXT_CHARS ? `${safe.slice(0, MAX_TEXT_CHARS)}…` : safe;
};
