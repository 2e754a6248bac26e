import { program } from '../support/program.ts';
import { CLUSTER, startWorld, type World, type WorldOptions } from '../support/world.ts';

export interface ClientWorld extends World {
  /** `mcbridge <args>` as alice, by the cluster that the bridges are of. */
  asAlice(...args: readonly string[]): ReturnType<typeof program>;
  /** The options that say where to connect to and as whom; anybody gets a certificate of the right CA. */
  connect(name?: string): readonly string[];
}

/** The real world, with people who have certificates in its folder. */
export const startClientWorld = async (options?: WorldOptions): Promise<ClientWorld> => {
  const world = await startWorld(options);
  const connect = (name = 'alice.mcollective'): readonly string[] => {
    const { certificate, privateKey } = world.authority.issue({ commonName: name });
    world.files.write(`${name}.pem`, certificate);
    world.files.write(`${name}.key`, privateKey);
    const file = (path: string) => `${world.files.folder}/${path}`;
    return [
      ...['--server', world.nats.url, '--ca', file('ca.pem')],
      ...['--cert', file(`${name}.pem`), '--key', file(`${name}.key`)],
    ];
  };
  const alice = connect();
  return {
    ...world,
    connect,
    asAlice: (...args) => program(...args, ...alice, '--federation', CLUSTER),
  };
};
