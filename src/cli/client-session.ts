import { createPrivateKey } from 'node:crypto';
import { type Command, Option } from 'commander';
import { type ChoriaClient, createChoriaClient, type Writing } from '../client/index.ts';
import type { Link, LinkEvent } from '../transport/link.ts';
import { createNatsLink } from '../transport/nats/index.ts';
import { addConnectionOptions, type Connection, type ConnectionOptions } from './client-options.ts';
import { escapeControls } from './terminal.ts';

export interface ClientOptions extends ConnectionOptions {
  readonly dialect: Writing;
}

/** The connection's options, and whose habits to have. */
export const addClientOptions = (command: Command): Command =>
  addConnectionOptions(command).addOption(
    new Option(
      '--dialect <name>',
      "whose way of writing to use: go-choria's, that of Choria's Ruby client, or one that nodes of both kinds read",
    )
      .choices(['both', 'go', 'ruby'])
      .default('both'),
  );

export interface ClientSession {
  readonly link: Link;
  readonly client: ChoriaClient;
  /** A client that sends by these clusters only. */
  by(federation: readonly string[]): ChoriaClient;
}

/** What a person at the terminal should know of the connection. */
const tell = (event: LinkEvent): void => {
  // One that subscribes is told by the command's end.
  if (event.kind === 'denied' && event.right.kind === 'publish')
    process.stderr.write(`mcbridge: ${escapeControls(event.error.message)}\n`);
  if (event.kind === 'error') process.stderr.write(`mcbridge: ${event.error.message}\n`);
  if (event.kind === 'disconnected' || event.kind === 'retry')
    process.stderr.write(`mcbridge: ${event.reason}\n`);
};

/** Connects, does the work, and closes whatever happens. @throws LinkError where no server can be used */
export const withClient = async <T>(
  connection: Connection,
  dialect: Writing,
  work: (session: ClientSession) => Promise<T>,
): Promise<T> => {
  const { callerid, certificate, collective, federation, key, linkOptions } = connection;
  const link = createNatsLink({ ...linkOptions, onEvent: tell });
  const by = (clusters: readonly string[]): ChoriaClient =>
    createChoriaClient({
      link,
      federation: clusters,
      collective,
      identity: callerid.replace(/^choria=/, ''),
      callerId: callerid,
      privateKey: createPrivateKey(key),
      certificate,
      dialect,
      clock: Date.now,
    });
  try {
    await link.open();
    return await work({ link, client: by(federation), by });
  } finally {
    await link.close();
  }
};
