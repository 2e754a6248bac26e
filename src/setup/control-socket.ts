import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { parseConfigDocument } from '../config/document.ts';
import { path } from '../config/fields.ts';
import { ConfigError } from '../config/problem.ts';
import type { Environment } from '../config/substitute.ts';
import { readConfigText } from './load.ts';
import { loadParts } from './parts.ts';

/** As docs/mcbridge.service has it. */
const OF_THE_UNIT = '/run/mcbridge';
const NAME = 'control.sock';

/**
 * Where a bridge takes orders whose configuration does not say it: in the folder that systemd makes for it.
 * @returns undefined where systemd makes none: nowhere
 */
export const defaultControlSocket = ({ RUNTIME_DIRECTORY: folders }: Environment): string | undefined => {
  const [folder = ''] = (folders ?? '').split(':');
  return folder === '' ? undefined : join(folder, NAME);
};

/** The line of a file that says it, where the rest of the file is no YAML. */
const LINE = /^control_socket:.*$/m;

/** Of a configuration, this key alone: orders are given when the rest of it is broken, too. @throws ConfigError, ConfigUnreadable */
const givenIn = (file: string, env: Environment): string | undefined => {
  try {
    return loadParts(file, env, (_outline, { resolve }) => ({
      schema: z.object({ control_socket: path(resolve).optional() }).transform((it) => it.control_socket),
      paths: [['control_socket']],
    })).value;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const [line = '{}'] = LINE.exec(readConfigText(file)) ?? [];
    const { value, problems } = parseConfigDocument(line, file, env);
    const given = z.object({ control_socket: z.string().optional() }).safeParse(value);
    if (problems.length > 0 || !given.success) throw error;
    return given.data.control_socket && resolve(dirname(file), given.data.control_socket);
  }
};

/**
 * Where the bridge of a configuration takes orders: as its file says, else as systemd says, else where the unit has it.
 * @throws ConfigError, ConfigUnreadable
 */
export const controlSocketOf = (file: string, env: Environment): string =>
  givenIn(file, env) ?? defaultControlSocket(env) ?? join(OF_THE_UNIT, NAME);
