import { describe, expect, it } from 'vitest';
import { url } from '../../src/config/shared.ts';

describe('a URL in the configuration', () => {
  it.each([
    ['https://acme.example.net/mco/', 'https://acme.example.net/mco/'],
    ['HTTPS://Acme.Example.Net:443', 'https://acme.example.net/'],
    ['https://[2001:db8::1]:8443/', 'https://[2001:db8::1]:8443/'],
  ])('is taken: %s', (given, read) => {
    expect(url(['https']).parse(given)).toBe(read);
  });

  it.each([
    ['of another scheme', 'http://acme.example.net/'],
    ['relative', '/mco'],
    ['without a host', 'https://'],
    ['with a user', 'https://alice@acme.example.net/'],
    ['with a password', 'https://:s3cret@acme.example.net/'],
    ['with a query', 'https://acme.example.net/mco?key=s3cret'],
    ['with an empty query', 'https://acme.example.net/mco?'],
    ['with a fragment', 'https://acme.example.net/#top'],
    ['no text', 443],
  ])('is refused: %s', (_, given) => {
    expect(url(['https']).safeParse(given).error?.issues).toMatchObject([
      { params: { allowed: 'a URL with https://, without user, password, ?… and #…' } },
    ]);
  });
});
