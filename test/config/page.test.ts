import { describe, expect, it } from 'vitest';
import { load, MINIMAL, minimalWith, problemsOf } from './sample.ts';

const withPage = (text: string): string => minimalWith('ingresses:', `page: ${text}\ningresses:`);

describe('the live page', () => {
  it('is off, unless the file gives an address', () => {
    expect(load(MINIMAL).config.page).toBeUndefined();
    expect(load(withPage('{}')).config.page).toBeUndefined();
    expect(load(withPage('{ listen: off }')).config.page).toBeUndefined();
  });

  it.each([
    ['127.0.0.1:8223', { host: '127.0.0.1', port: 8223 }],
    ['127.8.9.1:80', { host: '127.8.9.1', port: 80 }],
    ['localhost:0', { host: 'localhost', port: 0 }],
    ['"[::1]:8223"', { host: '::1', port: 8223 }],
  ])('is served on %s', (listen, where) => {
    expect(load(withPage(`{ listen: ${listen} }`)).config.page).toEqual(where);
  });

  it.each(['0.0.0.0', '192.0.2.1', 'bridge.example.net', '127.example.net', 'localhost.example.net'])(
    'is not served to others, on %s',
    (host) => {
      expect(problemsOf(withPage(`{ listen: "${host}:8223" }`))).toEqual([
        `bridge.yaml:2:17: page.listen: ${host} can be reached from other machines, and the page has no login: give 127.0.0.1, [::1] or localhost`,
      ]);
    },
  );

  it('says what is no address', () => {
    expect(problemsOf(withPage('{ listen: 8223 }'))).toEqual([
      'bridge.yaml:2:17: page.listen: 8223 is not allowed; allowed: an address of this machine alone and a port such as 127.0.0.1:8223 or [::1]:8223, or off',
    ]);
  });
});
