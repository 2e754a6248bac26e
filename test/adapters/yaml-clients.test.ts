import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { makeWorld, until } from './world.ts';

const ID = `${'0123456789'.repeat(3)}01`;

/** What a client of Choria 0.6.0 signs with `plugin.choria.security.serializer = yaml`, written by Ruby itself. */
const yamlRequest = (agent: string): string =>
  execFileSync('ruby', [
    '-ryaml',
    '-e',
    `print YAML.dump({"protocol"=>"choria:request:1","message"=>YAML.dump({"agent"=>"${agent}","action"=>"ping"}),` +
      `"envelope"=>{"requestid"=>"${ID}","senderid"=>"alice.mcollective","callerid"=>"choria=alice.mcollective",` +
      `"filter"=>{"fact"=>[],"agent"=>["${agent}"]},"collective"=>"mcollective","agent"=>"${agent}","ttl"=>60,"time"=>1}})`,
  ]).toString();

describe('a client with the YAML serializer', () => {
  it('is told which setting it is, in words that Ruby’s YAML reads', async () => {
    const { client, refusals } = await makeWorld();
    client.send({ secure: { message: yamlRequest('rpcutil') } });
    await until('it is answered', () => client.replies.length > 0);
    const said = /written in YAML: set plugin\.choria\.security\.serializer = json/;
    expect(client.replies).toMatchObject([
      { requestId: ID, status: 5, statusMessage: expect.stringMatching(said), wrapped: true },
    ]);
    expect(refusals()).toMatchObject([
      {
        fields: {
          reason: 'malformed_json',
          request_id: ID,
          caller: 'choria=alice.mcollective',
          agent: 'rpcutil',
        },
        message: expect.stringMatching(said),
      },
    ]);
    const [{ message = '' } = {}] = client.replies;
    const read = execFileSync('ruby', ['-ryaml', '-rjson', '-e', 'puts YAML.load(STDIN.read)["statusmsg"]'], {
      input: message,
    });
    expect(read.toString()).toMatch(said);
  });

  it('has its ping in the log, which cannot be answered', async () => {
    const { client, refusals } = await makeWorld();
    client.send({ secure: { message: yamlRequest('discovery') } });
    await until('it is refused', () => refusals().length > 0);
    expect(refusals()[0]?.message).toMatch(/serializer = json/);
    expect(client.replies).toEqual([]);
  });
});
