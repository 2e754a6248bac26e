import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { createLogger, type LoggerOptions } from '../../src/cli/log.ts';
import { Secret } from '../../src/config/secret.ts';
import { Rejection } from '../../src/envelope/rejection.ts';
import { LinkError } from '../../src/transport/link.ts';

const logged = (
  write: (log: ReturnType<typeof createLogger>) => void,
  options: Partial<LoggerOptions> = {},
): string => {
  const stream = new PassThrough();
  const names = { identity: 'mcbridge1', cluster: 'production', instance: '1' };
  write(createLogger({ level: 'info', format: 'auto', stream, ...names, ...options }));
  return String(stream.read() ?? '');
};

/** A stream that says that it is a terminal. */
const terminal = () => Object.assign(new PassThrough(), { isTTY: true });

describe('the log', () => {
  it('is one JSON object a line, with the time and who writes it', () => {
    const line: unknown = JSON.parse(logged((log) => log.info({ request: 'abc' }, 'request')));
    expect(line).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      identity: 'mcbridge1',
      cluster: 'production',
      instance: '1',
      request: 'abc',
      msg: 'request',
    });
  });

  it('leaves out what is below its level', () => {
    expect(logged((log) => log.info('quiet'), { level: 'warn' })).toBe('');
    expect(logged((log) => log.warn('loud'), { level: 'warn' })).toContain('loud');
  });

  it('shows a terminal no escapes of strangers', () => {
    const pretty = logged((log) => log.warn({}, 'rejected: \u001b]0;owned\u0007 from \u009b2J'), {
      format: 'pretty',
    });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    expect(pretty.trimEnd()).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
    expect(pretty).toContain('owned');
    const error = new Error('no such \u001b[2Jqueue \u202eevil');
    const stack = logged((log) => log.error({ err: error, link: 'a\u009bb' }, 'link error'), {
      format: 'pretty',
    });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    expect(stack).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    expect(stack).toContain('queue');
    expect(stack.split('\n').length).toBeGreaterThan(3);
  });

  it('is one line for people too, with all that there is to an event', () => {
    const pretty = logged((log) => log.info({ request_id: 'abc', replies: 3, missing: 0 }, 'request'), {
      format: 'pretty',
    });
    expect(pretty.trimEnd().split('\n')).toHaveLength(1);
    expect(pretty).toContain('"request_id":"abc"');
  });

  it.each(['json', 'pretty'] as const)('is short as %s, whatever it quotes', (format) => {
    const long = 'é'.repeat(1_000_000);
    const cause = new Error(long, { cause: new Error(long) });
    const text = logged(
      (log) => {
        log.warn(
          { request_id: long, deep: { er: { list: Array(100_000).fill(long) } } },
          `rejected: ${long}`,
        );
        log.error({ err: cause, [long]: 1 }, 'link error');
        log.info(long);
      },
      { format },
    );
    expect(text.length).toBeLessThan(120_000);
    expect(text).toContain('and 99936 more');
    expect(text).toContain('é…');
  });

  it('has no key twice: what every line has keeps its name', () => {
    const line = logged((log) => log.info({ cluster: 'other', member: 'b', msg: 'x' }, 'another instance'));
    expect(JSON.parse(line)).toMatchObject({ cluster: 'production', its_cluster: 'other', its_msg: 'x' });
    for (const name of ['cluster', 'msg']) expect(line.split(`"${name}":`)).toHaveLength(2);
  });

  it('shows the stack of a bug, and of a mistake its sentence alone', () => {
    const bug = logged((log) => log.error({ err: new TypeError('no such thing') }, 'http error'));
    expect(JSON.parse(bug)).toMatchObject({
      err: { type: 'TypeError', stack: expect.stringContaining('log.test.ts') },
    });
    const mistakes = [
      new LinkError('refused', 'the broker refuses user bridge'),
      new Rejection('unsupported_value', 'a value cannot be said'),
      Object.assign(new Error('connect ECONNREFUSED'), { syscall: 'connect', code: 'ECONNREFUSED' }),
    ];
    for (const err of mistakes) {
      const line: unknown = JSON.parse(logged((log) => log.error({ err }, 'link error')));
      expect(line).toMatchObject({ err: { code: err.code, message: err.message } });
      expect(line).not.toHaveProperty('err.stack');
    }
  });

  it('is for people where they ask for it, or on a terminal', () => {
    const pretty = logged((log) => log.info('hello'), { format: 'pretty' });
    expect(pretty).toMatch(/^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}\] INFO: hello\n$/);
    const stream = terminal();
    expect(logged((log) => log.info('hello'), { stream })).toBe('');
    expect(String(stream.read())).toContain('INFO');
  });

  it('stays JSON on a terminal where they ask for that', () => {
    const stream = terminal();
    logged((log) => log.info('hello'), { stream, format: 'json' });
    expect(JSON.parse(String(stream.read()))).toMatchObject({ msg: 'hello' });
  });

  it.each(['json', 'pretty'] as const)('holds no secrets as %s', (format) => {
    const text = logged(
      (log) => {
        log.info({ password: 'hunter2', options: { passcode: 'hunter2', tls: { key: 'hunter2' } } }, 'plain');
        log.info(
          { deep: { er: { still: new Secret('hunter2') } }, text: `${new Secret('hunter2')}` },
          'typed',
        );
      },
      { format },
    );
    expect(text).toContain('[secret]');
    expect(text).not.toContain('hunter2');
  });
});
