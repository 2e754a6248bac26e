import { describe, expect, test } from 'vitest';
import { toDialError, toLinkError } from '../../../src/transport/nats/errors.ts';

const SERVER = 'nats://n1.example.net:4222';

const failure = (code: string, message = code): Error => Object.assign(new Error(message), { code });

// Which of alert and reset a client sees of the same refusal is a matter of timing, so each is tried here.
describe('the reason why a connection could not be made', () => {
  test.for([
    'ECONNRESET',
    'EPIPE',
    'ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE',
    'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
  ])('%s during a TLS handshake is about the client certificate', (code) => {
    const without = toDialError(failure(code), SERVER, { verify: true });
    expect(without).toMatchObject({
      code: 'tls',
      message: expect.stringContaining('set tls.cert and tls.key'),
    });
    const shown = toDialError(failure(code), SERVER, { verify: true, cert: 'c', key: 'k' });
    expect(shown.message).toContain("does not accept this client's certificate");
  });

  test('a reset without TLS is a reset', () => {
    expect(toDialError(failure('ECONNRESET', 'read ECONNRESET'), SERVER, undefined)).toMatchObject({
      code: 'unreachable',
      message: `NATS server ${SERVER}: read ECONNRESET`,
    });
  });

  test('is found in the error behind the error', () => {
    const chained = Object.assign(failure('UNKNOWN'), { cause: failure('ENOTFOUND') });
    expect(toLinkError(chained, SERVER).message).toContain('host name cannot be resolved');
    expect(toLinkError(new Error('x', { cause: failure('CERT_HAS_EXPIRED') }), SERVER)).toMatchObject({
      code: 'tls',
      message: expect.stringContaining('its certificate has expired'),
    });
  });
});
