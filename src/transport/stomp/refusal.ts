import { LinkError } from '../link.ts';
import type { Frame } from './frame.ts';
import { type StompServer, type StompSettings, serverUrl } from './options.ts';

type Account = Pick<StompSettings, 'login' | 'passcode'>;

const MAX_TEXT = 300;
// ActiveMQ: "User name [x] or password is invalid."; RabbitMQ: "Bad CONNECT" with body "Access refused for user 'x'".
const CREDENTIALS = /password|passcode|credential|access refused|authenticat/i;

/** An ERROR frame as the answer to CONNECT. */
export const refusal = (server: StompServer, account: Account, frame: Frame): LinkError => {
  const said = brokerText(frame, account);
  const who = account.login === undefined ? 'a connection without a login' : `the login "${account.login}"`;
  const why = CREDENTIALS.test(said) ? `wrong user name or password (${said})` : said;
  return new LinkError('refused', `${serverUrl(server)} refused ${who}: ${why}`);
};

/** An ERROR frame at any other time. */
export const brokerError = (server: StompServer, account: Account, frame: Frame): LinkError =>
  new LinkError('protocol', `${serverUrl(server)} reported an error: ${brokerText(frame, account)}`);

/** The broker's own words: its `message`, and the body's first line where it says more (then comes a stack trace). */
const brokerText = (frame: Frame, { passcode }: Account): string => {
  const message = frame.headers['message'] ?? '';
  const [first = ''] = frame.body.toString('utf8', 0, 4 * MAX_TEXT).split(/\r?\n/, 1);
  const both = first === '' || message.includes(first) ? message : `${message} ${first}`;
  const text = both.trim() === '' ? 'no reason given' : both.trim();
  const safe = passcode === undefined || passcode === '' ? text : text.replaceAll(passcode, '***');
  return safe.length > MAX_TEXT ? `${safe.slice(0, MAX_TEXT)}…` : safe;
};
