import { afterEach, describe, expect, it } from 'vitest';
import { mendReading } from '../../src/adapters/kit/check/key-files.ts';
import { type CheckWorld, makeCheckWorld } from './check-world.ts';

let world: CheckWorld | undefined;
afterEach(() => {
  world?.end();
  world = undefined;
});

const RULE = '      - exact: choria=rip.mcollective\n        to: cert=rip\n';

/** What `check` says of rules and patterns, its other findings left out. */
const faults = async (edit: (config: string) => string): Promise<readonly string[]> => {
  world = makeCheckWorld((config) => {
    const edited = edit(config);
    if (edited === config) throw new Error('nothing was edited');
    return edited;
  });
  const found = await world.faults();
  return found.filter((it) => / \S*(?:identities|privileged\[|allow\[)/.test(it));
};

const rules = (...lines: readonly string[]) =>
  faults((config) => config.replace(RULE, () => lines.map((line) => `      - ${line}\n`).join('')));

/** The other way round: legacy callers, Choria nodes. */
const towardsChoria = (...lines: readonly string[]) =>
  faults((config) =>
    config
      .replace(/ingresses:[\s\S]*/, () => '')
      .concat(
        `ingresses:
  mco:
    type: mcollective-stomp
    servers: [stomp://127.0.0.1:61613]
    user: mcollective
    password: marionette
    callers: { keys_dir: keys }
    server_private_key: keys/rip.pem
egresses:
  choria:
    type: choria-collective
    servers: [nats://127.0.0.1:4222]
    tls: { ca: ca.pem, cert: cert.pem, key: key.pem }
    signing: { cert: cert.pem, key: key.pem }
routes:
  - from: mco
    to: choria
    collectives: [mcollective]
    identities:
${lines.map((line) => `      - ${line}\n`).join('')}`,
      ),
  );

describe('mcbridge check, of rules that can never work,', () => {
  it('names a caller whom the other side can never prove', async () => {
    expect(
      await rules(`{ regex: 'Choria=(.+)', to: cert=$1 }`, `{ exact: my_type=x, to: cert=rip }`),
    ).toEqual([
      'problem routes[0].identities[0].regex: there is never a caller Choria=… from federation, so this rule lets no caller through',
      'problem routes[0].identities[1].exact: there is never a caller my_type=… from federation, so this rule lets no caller through',
    ]);
    expect(await towardsChoria(`{ regex: 'choria=(.+)', to: choria=$1 }`)).toEqual([
      'problem routes[0].identities[0].regex: there is never a caller choria=… from mco, so this rule lets no caller through',
    ]);
  });

  it('warns where the sides are the wrong way round', async () => {
    expect(await rules(`{ regex: 'cert=(.+)', to: cert=$1 }`)).toEqual([
      'warning routes[0].identities[0].regex: there is hardly a caller cert=… from federation',
    ]);
    expect(await towardsChoria(`{ regex: 'cert=(.+)', to: cert=$1 }`)).toEqual([
      'warning routes[0].identities[0].to: callers at choria are not named cert=… as a rule, and nodes may refuse it',
    ]);
  });

  it('names a caller for whom it cannot sign', async () => {
    expect(
      await rules(`{ regex: 'choria=(.+)', to: up=$1 }`, `{ exact: choria=a.mcollective, to: up=a }`),
    ).toEqual([
      'problem routes[0].identities[0].to: the bridge can sign for no caller named up=… towards legacy, so this rule lets no caller through',
      expect.stringContaining('problem routes[0].identities[1]'),
      expect.stringContaining('the bridge can sign for no caller named up=… towards legacy'),
      expect.stringContaining('there is no key keys/a.pem'),
    ]);
    expect(await towardsChoria(`{ regex: 'cert=(.+)', to: My_Org=$1 }`)).toEqual([
      'problem routes[0].identities[0].to: the bridge can sign for no caller named My_Org=… towards choria, so this rule lets no caller through',
    ]);
  });

  it('takes the callers of an AAA server, from Choria and towards it', async () => {
    expect(
      await rules(`{ regex: 'up=(.+)', to: cert=$1 }`, `{ regex: '(okta|up)=(.+)', to: cert=$2 }`),
    ).toEqual([]);
    expect(await towardsChoria(`{ regex: 'cert=(.+)', to: up=$1 }`)).toEqual([]);
  });

  it('takes any name where one shared key signs', async () => {
    const shared = await faults((config) =>
      config
        .replace('{ keys_dir: keys }', '{ callerid: cert=mcbridge, private_key: keys/rip.pem }')
        .replace(RULE, () => `      - { regex: 'choria=(.+)', to: up=$1 }\n`),
    );
    expect(shared).toEqual([]);
  });

  it('names a rule that another one hides', async () => {
    expect(
      await rules(
        `{ regex: 'choria=(.+)\\.mcollective', to: cert=$1 }`,
        '{ exact: choria=rip.mcollective, to: cert=rip }',
        `{ regex: 'choria=(.+)\\.mcollective', to: cert=x }`,
      ),
    ).toEqual([
      'problem routes[0].identities[1]: rule 0 of this route matches first, so this one is never looked at',
      'problem routes[0].identities[2]: rule 0 of this route matches first, so this one is never looked at',
      expect.stringContaining('there is no key keys/x.pem'),
    ]);
  });

  it('warns of a caller who is let in by no other setting', async () => {
    expect(await rules('{ exact: choria=rip, to: cert=rip }')).toEqual([
      'warning routes[0].identities[0].exact: callers.allow of federation does not let rip in, unless a privileged certificate speaks for it',
    ]);
    expect(await towardsChoria('{ exact: cert=nobody, to: choria=nobody.mcollective }')).toEqual([
      'warning routes[0].identities[0].exact: there is no key keys/nobody.pem, so cert=nobody is refused',
    ]);
  });

  it('names a rule that yields a privileged name and may not, whatever it matches', async () => {
    const found = await faults((config) =>
      config
        .replace('    signing:', () => `    privileged: ['^cert=rip$']\n    signing:`)
        .replace(RULE, () => `${RULE}      - { regex: 'choria=(a|b)', to: cert=rip }\n`),
    );
    expect(found).toEqual([
      'problem routes[0].identities[0].to: cert=rip is privileged there, so this rule lets no caller through',
      'problem routes[0].identities[1].to: cert=rip is privileged there, so this rule lets no caller through',
    ]);
  });
});

describe('mcbridge check, of patterns,', () => {
  const patterns = (allow: string, privileged: string, there = '^x=y$') =>
    faults((config) =>
      config
        .replace(
          '    tls:',
          () => `    callers: { allow: ['${allow}'], privileged: ['${privileged}'] }\n    tls:`,
        )
        .replace('    signing:', () => `    privileged: ['${there}']\n    signing:`),
    );

  it('warns of those without anchors, and says what they do', async () => {
    expect(
      (await patterns('mcollective', 'admin', 'root')).filter((it) => !it.includes('identities')),
    ).toEqual([
      'warning ingresses.federation.callers.allow[0]: mcollective has no anchor, so it lets in every caller whose name has such a text in it',
      'warning ingresses.federation.callers.privileged[0]: admin has no anchor, so it lets every certificate speak for all callers whose name has such a text in it',
      'warning egresses.legacy.privileged[0]: root has no anchor, so it holds every caller privileged whose name has such a text in it',
    ]);
  });

  it('warns of one that is open at its end, and of anchors that hold one alternative each', async () => {
    expect((await patterns('^rip', '^a|b$')).filter((it) => !it.includes('identities'))).toEqual([
      'warning ingresses.federation.callers.allow[0]: ^rip has no end, so anything may follow',
      'warning ingresses.federation.callers.privileged[0]: in ^a|b$ ^ holds the first alternative only, and $ the last',
    ]);
  });

  it('finds nothing in those that are held fast', async () => {
    expect(await patterns(String.raw`/\.mcollective\Z/`, '^(a|b)$')).toEqual([]);
  });
});

describe('what to do for a file that cannot be read', () => {
  const error = (code: string): Error => Object.assign(new Error(code), { code });

  it.each([
    ['EACCES', 'read it, and search the folders above it: chgrp mcbridge key.pem; chmod g+r key.pem'],
    ['EISDIR', 'give the file, not the folder that it is in'],
    ['ENOENT', "check the name; relative names start at the configuration file's folder"],
  ])('is another thing for %s', (code, mend) => {
    expect(mendReading('key.pem', error(code))).toContain(mend);
  });
});
