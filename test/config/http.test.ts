import { describe, expect, it } from 'vitest';
import { load, MINIMAL, minimalWith, problemsOf } from './sample.ts';

const withHttp = (text: string): string => minimalWith('ingresses:', `http: ${text}\ningresses:`);

describe('http', () => {
  it('is on for this machine only, where the file says nothing', () => {
    expect(load(MINIMAL).config.http).toEqual({ host: '127.0.0.1', port: 8222, given: false });
    expect(load(withHttp('{}')).config.http?.given).toBe(false);
  });

  it.each([
    ['127.0.0.1:9090', { host: '127.0.0.1', port: 9090 }],
    ['0.0.0.0:8222', { host: '0.0.0.0', port: 8222 }],
    ['bridge1.example.net:80', { host: 'bridge1.example.net', port: 80 }],
    ['"[::1]:8222"', { host: '::1', port: 8222 }],
    ['localhost:0', { host: 'localhost', port: 0 }],
  ])('listens on %s', (listen, where) => {
    expect(load(withHttp(`{ listen: ${listen} }`)).config.http).toEqual({ ...where, given: true });
  });

  it.each(['off', '"off"', 'false'])('is off with %s', (listen) => {
    expect(load(withHttp(`{ listen: ${listen} }`)).config.http).toBeUndefined();
  });

  it.each([
    '8222',
    '127.0.0.1',
    '":8222"',
    '127.0.0.1:65536',
    '"::1:8222"',
    'http://127.0.0.1:8222',
    'on',
    'true',
  ])('does not listen on %s', (listen) => {
    expect(problemsOf(withHttp(`{ listen: ${listen} }`))).toEqual([
      expect.stringMatching(
        /^bridge\.yaml:2:17: http\.listen: .+ is not allowed; allowed: an address and a port such as 127\.0\.0\.1:8222 or \[::1\]:8222, or off$/,
      ),
    ]);
  });
});

describe('statistics', () => {
  const withInterval = (interval: string): string =>
    minimalWith('ingresses:', `statistics: { interval: ${interval} }\ningresses:`);

  it('are published as often as the Ruby broker’s', () => {
    expect(load(MINIMAL).config.statistics).toEqual({ interval: 10 });
  });

  it.each([
    ['0', 0],
    ['30s', 30],
    ['1h', 3600],
  ])('have the interval %s', (text, interval) => {
    expect(load(withInterval(text)).config.statistics).toEqual({ interval });
  });

  it('have an interval that is a time', () => {
    expect(problemsOf(withInterval('often'))).toEqual([
      'bridge.yaml:2:25: statistics.interval: "often" is not allowed; allowed: a time from 0 s to 3600 s, as seconds or as 30s, 10m, 1h',
    ]);
  });
});
