import { randomBytes } from 'node:crypto';
import { makeAuthority } from '../../support/pki.ts';
import { authority } from '../world.ts';
import { type Case, rpc } from './case.ts';

const DAY = 86_400_000;
const stranger = makeAuthority('another CA').issue({ commonName: 'alice.mcollective', usages: ['client'] });
const named = (commonName: string) => authority.issue({ commonName, usages: ['client'] });

/** What is wrong with the claim of who sends a request. */
export const CALLER: readonly Case[] = [
  // who says it
  {
    what: 'a callerid with path characters',
    code: 'invalid_callerid',
    send: { envelope: { callerid: 'choria=../../etc/passwd' } },
    says: 'callerid',
  },
  {
    what: 'a callerid that is a path',
    code: 'invalid_callerid',
    send: { envelope: { callerid: 'choria=..' } },
    says: 'callerid',
  },
  {
    what: 'a callerid of another kind',
    code: 'invalid_callerid',
    send: { envelope: { callerid: 'cert_1=alice' }, body: rpc({}) },
    says: 'choria=',
  },
  {
    what: 'a signature over something else',
    code: 'invalid_signature',
    send: { secure: { signature: randomBytes(256).toString('base64') } },
    says: 'alice.mcollective',
  },
  {
    what: 'a signature that is no base64',
    code: 'malformed_base64',
    send: { secure: { signature: '*' } },
    says: 'signature',
  },
  {
    what: 'the word insecure for a signature',
    code: 'invalid_signature',
    send: { secure: { signature: 'insecure', pubcert: 'insecure' } },
    says: 'insecure',
  },
  {
    what: 'a certificate that is none',
    code: 'untrusted_certificate',
    send: { secure: { pubcert: 'hello' } },
    says: 'certificate',
  },
  {
    what: 'a certificate of another CA',
    code: 'untrusted_certificate',
    send: { signer: stranger },
    says: 'alice.mcollective',
  },
  {
    what: 'a certificate that has expired',
    code: 'certificate_expired',
    send: {
      signer: authority.issue({
        commonName: 'alice.mcollective',
        notBefore: new Date(Date.now() - 2 * DAY),
        notAfter: new Date(Date.now() - DAY),
      }),
    },
    says: 'expired at',
  },
  {
    what: 'a certificate for servers',
    code: 'certificate_usage',
    send: { signer: authority.issue({ commonName: 'alice.mcollective', usages: ['server'] }) },
    says: 'clients',
  },
  {
    what: 'somebody else’s certificate',
    code: 'caller_mismatch',
    send: { signer: named('bob.mcollective') },
    says: 'bob.mcollective',
  },
  {
    what: 'a caller who is not on the list',
    code: 'caller_not_allowed',
    send: {
      signer: named('alice.example.net'),
      envelope: { callerid: 'choria=alice.example.net' },
      body: rpc({}),
    },
    says: 'allowed',
  },
  {
    what: 'a caller whom no rule maps',
    code: 'no_mapping',
    send: { signer: named('guest.choria'), envelope: { callerid: 'choria=guest.choria' }, body: rpc({}) },
    says: 'choria=guest.choria',
  },
];
