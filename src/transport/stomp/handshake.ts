import { LinkFailure } from '../failure/failure.ts';
import { LinkError } from '../link.ts';
import { type Frame, STOMP_VERSIONS, type StompVersion } from './frame.ts';
import { type AgreedHeartbeat, agreeHeartbeat } from './heartbeat.ts';
import { type StompServer, type StompSettings, serverUrl } from './options.ts';
import { refusal } from './refusal.ts';
import { STOMP_WORDS } from './words.ts';
import { writeFrame } from './writer.ts';

/** What client and broker agreed on. */
export interface Session {
  readonly version: StompVersion;
  readonly heartbeat: AgreedHeartbeat;
}

/** @throws LinkError `protocol` when a setting cannot be written, e.g. a passcode with a line feed */
export const writeConnect = (settings: StompSettings): Buffer => {
  const { login, passcode, vhost, versions, heartbeat } = settings;
  return writeFrame('CONNECT', {
    'accept-version': STOMP_VERSIONS.filter((version) => versions.includes(version)).join(','),
    host: vhost,
    'heart-beat': `${heartbeat.outgoing},${heartbeat.incoming}`,
    ...(login === undefined ? {} : { login }),
    ...(passcode === undefined ? {} : { passcode }),
  });
};

/**
 * The broker's answer to CONNECT.
 * @throws LinkError `refused` for an ERROR frame, `protocol` for any other that is no CONNECTED
 */
export const readAnswer = (frame: Frame, server: StompServer, settings: StompSettings): Session => {
  if (frame.command === 'ERROR') throw refusal(server, settings, frame);
  if (frame.command !== 'CONNECTED')
    throw new LinkError('protocol', `the answer to CONNECT is a ${frame.command} frame`);
  // Only 1.0 brokers leave the version out.
  const chosen = frame.headers['version'] ?? '1.0';
  const version = settings.versions.find((offered) => offered === chosen);
  if (version === undefined)
    throw new LinkFailure(
      STOMP_WORDS,
      serverUrl(server),
      'old-protocol',
      `the broker chose STOMP ${chosen}, which was not offered`,
    );
  return { version, heartbeat: agreeHeartbeat(settings.heartbeat, frame.headers['heart-beat']) };
};
