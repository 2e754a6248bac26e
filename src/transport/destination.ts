import { quoted } from '../envelope/text.ts';
import { LinkError } from './link.ts';

/** No empty tokens, spaces or control characters: they would end a NATS subject, or its line, on the wire. */
const SUBJECT = /^[^\s.\p{Cc}]+(\.[^\s.\p{Cc}]+)*$/u;
/** STOMP 1.0 cannot say control characters in a header, and no broker has a use for them in a name. */
const DESTINATION = /^\P{Cc}+$/u;

/** @throws LinkError `protocol` for what is no NATS subject */
export const checkSubject = (subject: string): void => {
  if (!SUBJECT.test(subject)) throw new LinkError('protocol', `${quoted(subject)} is no NATS subject`);
};

/** @throws LinkError `protocol` for what is no STOMP destination */
export const checkDestination = (destination: string): void => {
  if (!DESTINATION.test(destination))
    throw new LinkError('protocol', `${quoted(destination)} is no STOMP destination`);
};
