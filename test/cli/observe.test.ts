import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../src/testing/ports.ts';
import { type Finished, run } from '../support/process.ts';
import {
  captured,
  documentText,
  SAMPLE,
  SAMPLE_TABLE,
  type Synthetic,
} from '../telemetry/observe/documents.ts';
import { MAIN, type ObserveWorld, SUBJECT, startObserveWorld } from '../telemetry/observe/world.ts';

let world: ObserveWorld;
beforeAll(async () => {
  world = await startObserveWorld();
});
afterAll(() => world.stop());
afterEach(() => world.quiet());

const texts = (documents: readonly Synthetic[]): readonly string[] => documents.map(documentText);
const observe = (...more: readonly string[]): Promise<Finished> =>
  run(process.execPath, world.production(...more));

describe('mcbridge federation observe --once', () => {
  it('prints what the recorded Ruby brokers counted, as soon as enough of them were heard', async () => {
    world.keepPublishing(...captured.slice(2, 4).map(({ payload }) => payload));
    const { status, stdout, stderr } = await observe('--once', '--count', '2', '--wait', '30');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain(`Federation Broker: production

Federation
  Totals:
    Received: 4  Sent: 10

  Instances:
    1: Received: 2 (50.0%) Sent: 4 (40.0%)
    2: Received: 2 (50.0%) Sent: 6 (60.0%)

Collective
  Totals:
    Received: 10  Sent: 6

  Instances:
    1: Received: 4 (40.0%) Sent: 4 (66.7%)
    2: Received: 6 (60.0%) Sent: 2 (33.3%)

Rates`);
    expect(stdout).toMatch(/^ {4}2: version 0\.6\.0, started \d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/m);
    expect(stdout).not.toContain('\u001b');
  });

  it('prints the table that the federation documentation shows', async () => {
    world.keepPublishing(...texts(SAMPLE));
    const { stdout } = await observe('--once', '--count', '2');
    expect(stdout.slice(0, SAMPLE_TABLE.length)).toBe(SAMPLE_TABLE);
  });

  it('prints one JSON object, of the instance that is asked for', async () => {
    world.keepPublishing(...texts(SAMPLE));
    const { status, stdout } = await observe('--once', '--json', '--instance', '2');
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      cluster: 'production',
      federation: { instances: [{ name: '2', received: 491 }] },
      instances: [{ name: '2', version: '0.6.0', stale: false }],
    });
  });

  it('listens for the interval that a document says, and a bit', async () => {
    world.keepPublishing(documentText({ bridge: { identity: 'b', interval: 1 } }));
    expect(await observe('--once')).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('\n    1: Received: 0 (0.0%) Sent: 0 (0.0%)\n'),
    });
  });

  it('fails where nobody is heard, and says what to check', async () => {
    const { status, stdout, stderr } = await observe('--once', '--wait', '0.5');
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toContain(
      `heard no statistics of the cluster production within 0.5 s on ${SUBJECT}\nat tls://127.0.0.1:${world.nats.port}. Check that\n`,
    );
  });

  it('fails where only others are heard, and names them', async () => {
    world.keepPublishing(...texts(SAMPLE));
    expect(await observe('--once', '--wait', '1', '--instance', '9')).toMatchObject({
      status: 1,
      stderr: 'mcbridge: heard nothing of instance 9 within 1 s, but of 1, 2\n',
    });
  });

  it('counts what cannot be read', async () => {
    world.keepPublishing('{"version":', '\u001b[2J', '[]', documentText());
    const { stdout } = await observe('--once', '--count', '1');
    expect(stdout).toMatch(/^3 documents could not be read, the last: .+$/m);
  });
});

describe('mcbridge federation observe, without a connection', () => {
  const failure = ({ status, stdout, stderr }: Finished): string => {
    expect({ status, stdout }).toEqual({ status: 3, stdout: '' });
    expect(stderr).not.toContain('    at ');
    return stderr;
  };

  it('fails with a sentence where nobody listens', async () => {
    const port = await freePort();
    const args = [
      'federation',
      'observe',
      '--cluster',
      'production',
      ...world.network(`nats://127.0.0.1:${port}`),
    ];
    expect(failure(await run(process.execPath, [MAIN, ...args]))).toMatch(
      new RegExp(`^mcbridge: .*127\\.0\\.0\\.1:${port}`),
    );
  });

  it('fails with a sentence where the server is of another CA', async () => {
    expect(failure(await observe('--ca', world.file('other-ca.pem')))).toMatch(/^mcbridge: .*127\.0\.0\.1/);
  });

  it.each([
    [['--once', '--count', '0'], 'whole number above 0'],
    [['--count', '2'], '--count and --wait go with --once'],
    [['--cluster', 'a.b'], '--cluster "a.b" is not a name'],
  ])('takes %j for wrong usage', async (args, sentence) => {
    const { status, stdout, stderr } = await observe(...args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(sentence);
  });

  it('has to know the cluster', async () => {
    const { status, stderr } = await run(process.execPath, [
      MAIN,
      'federation',
      'observe',
      ...world.network(),
    ]);
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr: 'mcbridge: which cluster? Give --cluster, or --config\n',
    });
  });
});
