import { describe, expect, test } from 'vitest';
import { brokerError, refusal } from '../../../src/transport/stomp/refusal.ts';

const server = { host: 'mq.example.net', port: 61613 };
const account = { login: 'mcollective', passcode: 's3cret' };

const error = (message: string, body = '') => ({
  command: 'ERROR',
  headers: { message },
  body: Buffer.from(body),
});

describe('a refusal', () => {
  test('says in plain words that the password is wrong, also where the broker is curt', () => {
    expect(
      refusal(server, account, error('Bad CONNECT', "Access refused for user 'mcollective'\n")),
    ).toMatchObject({
      code: 'refused',
      message:
        'stomp://mq.example.net:61613: it refuses the credentials (user "mcollective": ' +
        "Bad CONNECT Access refused for user 'mcollective')",
    });
  });

  test('does not blame the password for anything else', () => {
    const { message } = refusal(server, {}, error('The moon is full'));
    expect(message).toBe(
      'stomp://mq.example.net:61613: it does not let this client in (no user: The moon is full)',
    );
  });
});

describe('an error of a broker', () => {
  test('is quoted without its stack trace', () => {
    const trace =
      'java.lang.SecurityException: no\n\tat org.apache.activemq.broker.Broker.addConsumer(Broker.java:1)\n';
    expect(brokerError(server, account, error('no', trace)).message).toBe(
      'stomp://mq.example.net:61613: it reports an error: no java.lang.SecurityException: no',
    );
  });

  test('never shows the passcode, even if the broker does', () => {
    const { message } = brokerError(server, account, error('login mcollective:s3cret failed', 'with s3cret'));
    expect(message).not.toContain('s3cret');
    expect(message).toContain('***');
  });

  test('is cut where it is long, and said where it is empty', () => {
    expect(brokerError(server, account, error('x'.repeat(5000))).message.length).toBeLessThan(450);
    expect(brokerError(server, account, error('')).message).toContain('no reason given');
  });
});
