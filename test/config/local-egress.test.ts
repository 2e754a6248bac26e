import { describe, expect, it } from 'vitest';
import { formatProblem } from '../../src/config/problem.ts';
import { legacyToChoria, load, problemsOf } from './sample.ts';

/** Another egress to the ingress's own side. */
const NEAR = `egresses:
  near:
    type: mcollective-stomp
    servers: [stomp://activemq1.example.net:61613]
    signing: { keys_dir: keys }
    server_public_key: server.pem
`;

const withEgress = (...lines: readonly string[]): string =>
  legacyToChoria(lines).replace('egresses:\n', NEAR);

describe('the local egress of an ingress', () => {
  it('is named by local_egress', () => {
    const { config, warnings } = load(withEgress('local_egress: near'));
    expect(config.ingresses.get('mco')?.adapter).toMatchObject({ localEgress: 'near' });
    expect(warnings).toEqual([]);
  });

  it('is named by the old key too, with a warning', () => {
    const { config, warnings } = load(withEgress('beside: near'), {}, 'bridge.yaml');
    expect(config.ingresses.get('mco')?.adapter).toMatchObject({ localEgress: 'near' });
    expect(warnings.map(formatProblem)).toEqual([
      'bridge.yaml:8:5: ingresses.mco.beside: is the old name of local_egress, and the next version does not know it\n    write local_egress instead',
    ]);
  });

  it('is not named twice', () => {
    expect(problemsOf(withEgress('local_egress: near', 'beside: near'))).toEqual([
      'bridge.yaml:9:13: ingresses.mco.beside: is the old name of local_egress, which is given too: leave beside out',
    ]);
  });

  it.each(['local_egress', 'beside'])('has to be there: %s', (key) => {
    expect(problemsOf(withEgress(`${key}: nera`))).toEqual([
      `bridge.yaml:8:${key.length + 7}: ingresses.mco.${key}: there is no egress "nera"; did you mean "near"?; allowed: near, choria`,
    ]);
    expect(problemsOf(withEgress(`${key}: choria`))).toEqual([
      `bridge.yaml:8:${key.length + 7}: ingresses.mco.${key}: choria is where a route from mco leads, so it cannot be the side that mco is on`,
    ]);
  });

  it('is recommended by its new name alone', () => {
    const [problem = ''] = problemsOf(withEgress('local_egres: near'));
    expect(problem).toContain('unknown key; did you mean "local_egress"?');
    expect(problem).toMatch(/allowed: .*\blocal_egress\b/);
    expect(problem).not.toContain('beside');
  });
});
