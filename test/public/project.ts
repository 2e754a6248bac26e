import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { blocksOf } from '../docs/commands.ts';
import { type Finished, run } from '../support/process.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** A folder of somebody who has installed the packed package, and nothing else of this repository. */
export interface Project {
  readonly folder: string;
  /** @param name of the file, from the folder on */
  write(name: string, text: string): void;
  /** Makes a package that is installed here available there. */
  install(name: string): void;
  run(command: string, args: readonly string[], options?: Parameters<typeof run>[2]): Promise<Finished>;
}

const dependencies = z.object({ dependencies: z.record(z.string(), z.string()) });

const succeeded = async (finished: Promise<Finished>): Promise<string> => {
  const { status, stdout, stderr } = await finished;
  if (status !== 0) throw new Error(`it ended with ${status}:\n${stdout}\n${stderr}`);
  return stdout;
};

/**
 * Packs what was built, and unpacks it where `npm install` would. What package.json says that it depends on, and no more, is
 * linked from this repository, so that no network is needed; what only its development needs is not there.
 */
export const packedProject = async (folder: string): Promise<Project> => {
  await succeeded(
    // The build is there, and others use it: it is not made anew.
    run('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder], { cwd: ROOT }),
  );
  const [archive = ''] = readdirSync(folder).filter((name) => name.endsWith('.tgz'));
  const own = join(folder, 'node_modules/mcbridge');
  mkdirSync(own, { recursive: true });
  await succeeded(run('tar', ['xzf', join(folder, archive), '--strip-components=1', '-C', own]));
  const install = (name: string): void => {
    const place = join(folder, 'node_modules', name);
    mkdirSync(dirname(place), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules', name), place);
  };
  const manifest = await succeeded(run('cat', [join(own, 'package.json')]));
  for (const name of Object.keys(dependencies.parse(JSON.parse(manifest)).dependencies)) install(name);
  const write = (name: string, text: string): void => {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  };
  write('package.json', JSON.stringify({ name: 'ours', private: true, type: 'module' }));
  return {
    folder,
    write,
    install,
    run: (command, args, options = {}) => run(command, args, { cwd: folder, ...options }),
  };
};

/** The examples of docs/library.md, by the names of their files. */
export const examples = (): ReadonlyMap<string, string> =>
  new Map(
    blocksOf('docs/library.md', 'ts').map((text) => [
      /^\/\/ (\S+)\n/.exec(text)?.[1] ?? 'without a name',
      text,
    ]),
  );
