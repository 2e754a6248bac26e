import { createPrivateKey, randomBytes } from 'node:crypto';
import { createChoriaFederationIngress } from '../src/adapters/choria/federation-ingress.ts';
import {
  createCallerVerifier,
  DEFAULT_ALLOW,
  DEFAULT_PRIVILEGED,
  encodeSecureRequest,
  encodeTransport,
  federationSubject,
  signSecureRequest,
  transportContent,
} from '../src/adapters/choria/wire/index.ts';
import { decodeRequest } from '../src/adapters/mcollective/wire/request.ts';
import { createSerializer } from '../src/adapters/mcollective/wire/serializer.ts';
import { fromRuby } from '../src/adapters/mcollective/wire/values.ts';
import { formatJson } from '../src/codec/json.ts';
import { decodeMarshal } from '../src/codec/ruby/index.ts';
import { DEFAULT_RUBY_LIMITS } from '../src/codec/ruby/value.ts';
import { Rejection } from '../src/envelope/rejection.ts';
import { caExtensions, oddCertificate, rsaSpki } from '../test/pki/odd-certificate.ts';
import { type Identity, makeAuthority } from '../test/support/pki.ts';
import { looseLink } from './replies.ts';
import { type BenchResult, interleave } from './table.ts';

const CLUSTER = 'bench';
const COLLECTIVE = 'mcollective';
const MILLISECONDS = 300;
/** More than the 250 refusals that are remembered. */
const CHAINS = 400;
const root = makeAuthority('bench CA');
const stranger = makeAuthority('bench CA', { keys: root.intermediate('stranger') });
const alice = root.issue({ commonName: 'alice.mcollective', usages: ['client'] });

const EMPTY = { fact: [], cf_class: [], agent: [], identity: [], compound: [] };

type Signer = Pick<Identity, 'privateKey' | 'chain'>;

/** A request of a client, signed by whoever has that key. */
const message = (signer: Signer, filter: object, headers = ''): Buffer => {
  const request = JSON.stringify({
    protocol: 'choria:request:1',
    message: JSON.stringify({ agent: 'rpcutil', action: 'ping', data: {} }),
    envelope: {
      requestid: randomBytes(16).toString('hex'),
      senderid: 'alice.mcollective',
      callerid: 'choria=alice.mcollective',
      filter,
      collective: COLLECTIVE,
      agent: 'rpcutil',
      ttl: 3600,
      time: Math.floor(Date.now() / 1000),
    },
  });
  const secure = signSecureRequest(request, createPrivateKey(signer.privateKey), signer.chain);
  const text = encodeTransport({
    content: transportContent(encodeSecureRequest(secure), 'plain'),
    replyTo: `${COLLECTIVE}.reply.bench.1`,
    sender: 'alice.mcollective',
    federation: { targets: [`${COLLECTIVE}.broadcast.agent.rpcutil`] },
  });
  return Buffer.from(text.replace('"headers":{', () => `"headers":{${headers}`));
};

/** What stands between certificates changes nothing but the hash by which a refusal is remembered. */
const anew = (signer: Signer, serial: number): Signer => ({ ...signer, chain: `${serial}\n${signer.chain}` });

/** Seven CAs of a stranger's own, all of one name and with a key that takes half a second to use, differing by their serial numbers. */
const dearChain = (): Signer => {
  const odd = { issuer: stranger, spki: rsaSpki(3072, 3071), extensions: caExtensions() };
  const cas = Array.from({ length: 7 }, (_, index) =>
    oddCertificate({ ...odd, commonNames: ['bench CA'], serial: `0${index + 1}` }),
  );
  const leaf = oddCertificate({ issuer: stranger, commonNames: ['alice.mcollective'] });
  return { ...leaf, chain: leaf.certificate + cas.map(({ certificate }) => certificate).join('') };
};

/** An ingress that takes such messages; @returns what hands it one, and throws where it is not taken as expected */
const ingress = async (passes: boolean): Promise<(body: Buffer, isTaken: boolean) => void> => {
  const link = looseLink();
  const verifier = createCallerVerifier({
    ca: root.certificate,
    allow: DEFAULT_ALLOW,
    privileged: DEFAULT_PRIVILEGED,
  });
  let taken = 0;
  let refused = 0;
  const made = createChoriaFederationIngress({
    name: 'federation',
    config: { cluster: CLUSTER, subscriptions: 1 },
    around: { maxMessageBytes: 4 * 1024 ** 2, maxTargets: 1000, maxTtl: 3600 },
    services: { link, clock: Date.now },
    verifier,
    replyCollectives: new Set([COLLECTIVE]),
    opaque: new Map(passes ? [[COLLECTIVE, { verify: false }]] : []),
  });
  await made.start({
    request: () => void taken++,
    rejected: () => void refused++,
    foresee: () => undefined,
    ignored: () => undefined,
  });
  return (body, isTaken) => {
    const before = isTaken ? taken : refused;
    link.deliver({ destination: federationSubject(CLUSTER), headers: {}, body });
    if ((isTaken ? taken : refused) !== before + 1) throw new Error('a message was not taken as expected');
  };
};

/** Ms that this process has had a core, whoever else uses the machine. */
const spent = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

/** How often something can be done in a second of one core. */
const rate = (work: () => void): number => {
  const started = spent();
  let count = 0;
  for (; count === 0 || spent() - started < MILLISECONDS; count++) work();
  return (count * 1000) / (spent() - started);
};

const refusedAs = (code: string, work: () => void): void => {
  try {
    work();
  } catch (error) {
    if (error instanceof Rejection && error.code === code) return;
    throw error;
  }
  throw new Error(`nothing was refused, where ${code} was expected`);
};

/** An array of as many numbers of 1 KiB as 4 MB hold, in Marshal. */
const longIntegers = (): Buffer => {
  const number = Buffer.concat([Buffer.from([0x6c, 0x2b, 0x02, 0x00, 0x02]), Buffer.alloc(1024, 0xff)]);
  return Buffer.concat([Buffer.from([4, 8, 0x5b, 0x02, 0x3c, 0x0f]), ...Array<Buffer>(3900).fill(number)]);
};

/** What a hostile message costs the event loop, in honest ones. */
export const benchHostile = async (): Promise<BenchResult> => {
  const take = await ingress(false);
  const pass = await ingress(true);
  const honest = message(alice, EMPTY);
  const dear = dearChain();
  const chains = Array.from({ length: CHAINS }, (_, serial) => message(anew(dear, serial), EMPTY));
  let next = 0;
  const facts = Array.from({ length: 1000 }, (_, index) => ({
    fact: `fact${index}`,
    operator: '=~',
    value: '.'.repeat(990),
  }));
  const forged = message({ ...dear, chain: alice.chain }, { ...EMPTY, fact: facts });
  const nested = Buffer.from('['.repeat(450_000) + ']'.repeat(450_000));
  const deep = message(alice, EMPTY, `"x":${'['.repeat(100_000)}${']'.repeat(100_000)},`);
  const yaml = createSerializer('yaml', DEFAULT_RUBY_LIMITS);
  const lines = Buffer.from(`---\n:filter:\n${'- a: b\n'.repeat(140_000)}`);
  const integers = longIntegers();
  const rates = await interleave(3, {
    honest: () => rate(() => take(honest, true)),
    chain: () => rate(() => take(chains[next++ % chains.length] ?? honest, false)),
    again: () => rate(() => take(chains[0] ?? honest, false)),
    facts: () => rate(() => take(forged, false)),
    deep: () => rate(() => pass(deep, false)),
    nested: () => rate(() => take(nested, false)),
    yaml: () => rate(() => refusedAs('limit_exceeded', () => decodeRequest(lines, yaml))),
    integers: () =>
      rate(() => refusedAs('limit_exceeded', () => formatJson(fromRuby(decodeMarshal(integers))))),
  });
  const row = (label: string, name: string) => {
    const perSecond = rates[name] ?? 0;
    return { label, perSecond, ratio: (rates['honest'] ?? 0) / perSecond };
  };
  return {
    name: 'What a hostile message costs, in honest ones',
    goal: 'some hundred',
    rows: [
      row('an honest request, verified', 'honest'),
      row('8 certificates, keys of 3071 bits exponent', 'chain'),
      row('the same again', 'again'),
      row('1,000 regular expressions of 990, forged', 'facts'),
      row('a header 100,000 levels deep, passed on', 'deep'),
      row('900 KB of brackets', 'nested'),
      row('1 MB of YAML, unsigned', 'yaml'),
      row('3,900 integers of 1 KiB, from a node', 'integers'),
    ],
  };
};
