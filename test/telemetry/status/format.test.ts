import { describe, expect, it } from 'vitest';
import { formatStatus } from '../../../src/cli/status/format.ts';
import { crop } from '../../../src/telemetry/observe/line.ts';
import { publicStatus, type StatusDocument, statusDocument } from '../../../src/telemetry/status/document.ts';

const rate = { minute: 1.5, five_minutes: 0.25 };

const STATUS: StatusDocument = {
  time: '2027-01-15T08:10:00.000Z',
  version: '1.2.3',
  identity: 'bridge1.example.net',
  cluster: 'production',
  instance: '1',
  started: '2027-01-15T08:00:00.000Z',
  uptime: 600,
  health: {
    ready: false,
    phase: 'running',
    troubles: [{ name: 'legacy', side: 'collective', problem: 'not connected', reason: 'refused' }],
  },
  links: [
    {
      name: 'federation',
      side: 'federation',
      up: true,
      server: 'nats://n1:4222',
      since: '2027-01-15T08:09:30.000Z',
      buffered: 0,
      denied: [
        { right: 'publish', destination: 'a.>', reason: 'no', hint: 'let this user do so: publish a.>' },
      ],
    },
    {
      name: 'legacy',
      side: 'collective',
      up: false,
      since: null,
      reason: 'refused',
      buffered: 3,
      denied: [],
    },
  ],
  routes: [
    {
      name: 'federation → legacy',
      from: 'federation',
      to: 'legacy',
      collectives: ['mcollective', 'uk'],
      requests: { received: 12, sent: 11 },
      replies: { received: 34, sent: 33 },
      targets: 40,
      in_flight: 2,
    },
  ],
  in_flight: 2,
  rates: { requests: rate, replies: rate, refusals: rate },
  refusals: [
    {
      reason: 'no_mapping',
      count: 7,
      at: '2027-01-15T08:08:00.000Z',
      last: [
        {
          at: '2027-01-15T08:08:00.000Z',
          stage: 'request',
          sentence: 'no rule of the route matches',
          flow: '5f0c',
          caller: 'choria=eve',
          sender: 'eve.example.net',
          agent: 'rpcutil',
        },
      ],
    },
  ],
  nodes: [{ egress: 'legacy', type: 'mcollective-stomp', collective: 'mcollective', known: 120 }],
  certificates: [
    { link: 'federation', file: '/etc/mcbridge/cert.pem', expires: '2027-01-20T08:10:00.000Z' },
    { link: 'federation', file: '/etc/mcbridge/ca.pem', expires: '2030-01-15T08:10:00.000Z' },
  ],
  configuration: {
    file: '/etc/mcbridge/bridge.yaml',
    loaded: '2027-01-15T08:05:00.000Z',
    age: 300,
    reload: {
      at: '2027-01-15T08:09:00.000Z',
      cause: 'SIGHUP',
      result: 'refused',
      problems: ['bridge.yaml:3:10: log.level: "loud" is not allowed'],
    },
  },
  claims: { won: 5, lost: 4, unknown: 1, up: false, reason: 'no answer' },
};

const textOf = (status: StatusDocument): string =>
  formatStatus(status)
    .map(({ text }) => text)
    .join('\n');

describe('the screen of mcbridge status', () => {
  it('says all that is in the document', () => {
    expect(statusDocument.parse(STATUS)).toEqual(STATUS);
    const lines = textOf(STATUS).split('\n').slice(0, -1);
    expect(lines).toEqual([
      'Bridge production:1 on bridge1.example.net, version 1.2.3',
      'NOT READY (running), up for 10 min',
      '  legacy (collective): not connected: refused',
      '',
      'Links',
      '  federation  federation  connected for 30 s             nats://n1:4222',
      '    may not publish a.>: no (let this user do so: publish a.>)',
      '  legacy      collective  not connected       3 waiting  refused',
      '',
      'Routes',
      '                       requests  sent  replies  sent  in flight  collectives',
      '  federation → legacy  12        11    34       33    2          mcollective uk',
      '',
      'A second',
      '            last minute  last 5 minutes',
      '  requests  1.50         0.25',
      '  replies   1.50         0.25',
      '  refusals  1.50         0.25',
      '',
      'Refused',
      '  no_mapping: 7, the last one 2 min ago',
      '    2 min ago: no rule of the route matches (choria=eve, from eve.example.net, agent rpcutil, flow 5f0c)',
      '',
      'Nodes',
      '  legacy  mcollective-stomp  mcollective  120 nodes',
      '',
      'Certificates',
      '  federation  5 days left     2027-01-20T08:10:00.000Z  /etc/mcbridge/cert.pem',
      '  federation  1096 days left  2030-01-15T08:10:00.000Z  /etc/mcbridge/ca.pem',
      '',
      'Configuration',
      '  /etc/mcbridge/bridge.yaml, in force for 5 min',
      '  last reload 60 s ago by SIGHUP: refused',
      '    bridge.yaml:3:10: log.level: "loud" is not allowed',
      '',
      'Claims of broadcasts',
      '  5 won, 4 lost, 1 unknown',
      '  nothing can be claimed: no answer',
      '',
    ]);
  });

  it('marks what somebody should look at, and nothing else', () => {
    const alarms = formatStatus(STATUS).flatMap(({ text, tone }) => (tone === 'alarm' ? [text.trim()] : []));
    expect(alarms.map((text) => text.slice(0, 12))).toEqual([
      'NOT READY (r',
      'legacy (coll',
      'may not publ',
      'legacy      ',
      'federation  ',
      'last reload ',
      'bridge.yaml:',
      'nothing can ',
    ]);
  });

  it('fits a terminal however narrow it is, and steers none', () => {
    const evil = textOf({ ...STATUS, cluster: '\u001b[2Jx\u202e\ny' });
    for (const character of ['\u001b', '\u202e']) expect(evil).not.toContain(character);
    for (const columns of [10, 40, 80])
      for (const { text } of crop(formatStatus(STATUS), columns, 12))
        expect(text.length).toBeLessThanOrEqual(columns);
    expect(crop(formatStatus(STATUS), 80, 12, 'enlarge the terminal')).toHaveLength(12);
  });
});

it('over HTTP nothing says who asked, or what the configuration holds', () => {
  const text = JSON.stringify(publicStatus(STATUS));
  expect(text).not.toMatch(/eve|loud|no rule|5f0c/);
  expect(statusDocument.parse(publicStatus(STATUS))).toMatchObject({
    refusals: [{ reason: 'no_mapping', count: 7, last: [] }],
    configuration: { reload: { result: 'refused', problems: [] } },
  });
});
