import { Rejection } from '../../../envelope/rejection.ts';
import { messageContext } from './request.ts';

/** What of an envelope says who waits for an answer, and where it stands in what Psych writes. */
const CLAIMS = ['requestid', 'senderid', 'callerid', 'collective', 'agent'] as const;

/** Names have no character that would make Psych write them in another way; what looks like a number is in quotes. */
const claimIn = (text: string, name: string): string | undefined =>
  new RegExp(`^ {2}${name}: ['"]?([\\w.=-]{1,255})['"]?$`, 'm').exec(text)?.[1];

/**
 * Refuses a request in YAML, which is what Choria 0.6.0's `plugin.choria.security.serializer` makes unless it says `json`
 * (its security/choria.rb). It is not read, but for whom to tell: YAML's reader takes a reply in JSON.
 * @throws Rejection `malformed_json` whose context has what the request says of itself
 */
export const refuseYaml = (text: string): void => {
  if (!text.startsWith('---')) return;
  throw new Rejection(
    'malformed_json',
    'the request is written in YAML: set plugin.choria.security.serializer = json in the configuration of its client',
    messageContext(Object.fromEntries(CLAIMS.map((name) => [name, claimIn(text, name)]))),
  );
};
