import { describe, expect, it } from 'vitest';
import { makeCollectiveWorld, NODES } from './choria/collective/ingress-world.ts';
import { clientRequest, makeFederation, STRICT } from './choria/collective/world.ts';
import type { Deviation } from './choria-client.ts';
import { authority, makeWorld, until } from './world.ts';

/** The certificate that Choria's AAA server signs with. */
const aaa = authority.issue({ commonName: 'aaa.privileged.choria', usages: ['client'] });
const USERS = ['up=alice', 'okta=alice_example_com', 'choria=bob.mcollective', 'x=a.b-c_D9'];
const MISSHAPEN = ['Up=alice', 'up2=alice', 'a_b=alice', '=alice', 'up=', 'up=..', 'up=al/ice', 'up=alice\n'];

/** As the AAA server leaves it: the user's name in the envelope, the client's own in the body. */
const signedFor = (callerid: string): Deviation => ({
  signer: aaa,
  envelope: { callerid },
  body: '{"agent":"rpcutil","action":"ping","caller":"choria=laptop.mcollective","data":{}}',
});

const rule = { match: { kind: 'regex', pattern: /[a-z]+=(.+)/ }, to: 'cert=$1', privileged: false } as const;

describe('a caller that an AAA server vouches for', () => {
  it.each(USERS)('comes through a federation as %s', async (callerid) => {
    const names: string[] = [];
    const { client } = await makeWorld({
      route: { identities: { rules: [rule], privileged: [] } },
      egress: {
        signers: {
          signerFor: (mapped) => {
            names.push(mapped);
            throw new Error('signed elsewhere');
          },
        },
      },
    });
    client.send(signedFor(callerid));
    await until('it is to be signed', () => names.length > 0);
    expect(names).toEqual([callerid.replace(/^[a-z]+=/, 'cert=')]);
  });

  it.each(USERS)('comes from a collective’s own clients as %s', async (callerid) => {
    const { send, requests, rejections } = await makeCollectiveWorld();
    send({ ...signedFor(callerid), nodes: NODES });
    await until('it is there', () => requests.length > 0 || rejections.length > 0);
    expect(requests).toMatchObject([{ caller: callerid, payload: { kind: 'rpc', action: 'ping' } }]);
  });

  it.each(USERS)('passes through verified as %s', async (callerid) => {
    const { collective, request, refusals } = await makeFederation();
    const targets = [`${STRICT}.node.n1`];
    request(clientRequest({ collective: STRICT, targets, signer: aaa, callerid }).payload);
    await until('it is through', () => collective.length > 0 || refusals().length > 0);
    expect(refusals()).toEqual([]);
  });

  it.each(MISSHAPEN)('is refused as %j, which no node takes', async (callerid) => {
    const { send, rejections } = await makeCollectiveWorld();
    send({ ...signedFor(callerid), nodes: NODES });
    await until('it is refused', () => rejections.length > 0);
    expect(rejections[0]?.rejection.code).toBe('invalid_callerid');
  });
});

describe('a caller with a certificate of its own', () => {
  it.each(['up=alice', 'okta=bob.mcollective'])('is not believed to be %s', async (callerid) => {
    const { send, rejections } = await makeCollectiveWorld();
    send({ envelope: { callerid }, body: '{"agent":"rpcutil","action":"ping","data":{}}', nodes: NODES });
    await until('it is refused', () => rejections.length > 0);
    expect(rejections[0]?.rejection.code).toBe('caller_mismatch');
  });

  it('may call itself by another word, as nodes let it', async () => {
    const { send, requests } = await makeCollectiveWorld();
    send({
      envelope: { callerid: 'up=alice.mcollective' },
      nodes: NODES,
      body: '{"action":"ping","data":{}}',
    });
    await until('it is there', () => requests.length > 0);
    expect(requests[0]?.caller).toBe('up=alice.mcollective');
  });

  it('is held to the caller in its body', async () => {
    const { send, rejections } = await makeCollectiveWorld();
    send({ body: '{"action":"ping","caller":"choria=bob.mcollective","data":{}}', nodes: NODES });
    await until('it is refused', () => rejections.length > 0);
    expect(rejections[0]?.rejection.code).toBe('caller_mismatch');
  });
});
