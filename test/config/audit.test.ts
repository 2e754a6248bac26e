import { describe, expect, it } from 'vitest';
import { legacyToChoria, load, problemsOf } from './sample.ts';

const withAudit = (audit: string): string => legacyToChoria([], `audit: ${audit}\n`);

describe('the section audit', () => {
  it('has sinks, each with what it does not say', () => {
    const { audit } = load(
      withAudit('{ redact: { password: drop }, sinks: [{ file: audit.log }, { stdout: true }] }'),
    ).config;
    expect(audit?.sinks).toMatchObject([
      {
        file: expect.stringMatching(/^\/.*audit\.log$/),
        format: 'choria',
        onFailure: 'continue',
        timeout: 5,
        rotate: 100_000_000,
      },
      { stdout: true },
    ]);
    expect(audit).toMatchObject({ names: 20, heads: { records: 1_000, interval: 60 } });
    expect(audit?.redact.get('password')).toBe('drop');
  });

  it.each([
    [
      'no place for a sink',
      '{ sinks: [{ format: choria }] }',
      /audit\.sinks\[0\]: give one of file, stdout and nats/,
    ],
    ['two places for one', '{ sinks: [{ file: a, nats: b }] }', /audit\.sinks\[0\]: give one of/],
    [
      'one file twice',
      '{ sinks: [{ file: a }, { file: a }] }',
      /sinks\[1\]\.file: is the file of another sink/,
    ],
    [
      'stop without a file',
      '{ sinks: [{ stdout: true, on_failure: stop }] }',
      /on_failure: stop is for a file/,
    ],
    [
      'codes without a key',
      '{ redact: { user: hmac }, sinks: [{ file: a }] }',
      /audit\.redact: hmac takes hmac_key_file/,
    ],
    ['a short key', '{ hmac_key: short, sinks: [{ file: a }] }', /hmac_key.*at least 32 bytes/],
    ['a subject with a wildcard', '{ sinks: [{ nats: "audit.>" }] }', /nats: "audit\.>" is not allowed/],
    ['no sinks', '{ sinks: [] }', /audit\.sinks/],
    [
      'an egress that is not there',
      '{ sinks: [{ file: a, egresses: [nowhere] }] }',
      /egresses\[0\]: there is no egress "nowhere"/,
    ],
    [
      'a network that is not there',
      '{ network: nowhere, sinks: [{ nats: a }] }',
      /network: there is no ingress "nowhere"/,
    ],
  ])('is refused for %s', (_, audit, problem) => {
    const problems = problemsOf(withAudit(audit));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(problem);
  });
});
