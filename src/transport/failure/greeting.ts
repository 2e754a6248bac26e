const begins = (start: RegExp): ((first: Buffer) => boolean) => {
  return (first) => start.test(first.toString('latin1'));
};

/** Speakers by their first bytes. */
const SPEAKERS: readonly (readonly [is: (first: Buffer) => boolean, who: string])[] = [
  [begins(/^HTTP\/\d/), 'an HTTP server'],
  // A record of type alert: RFC 8446, 5.1.
  [(first) => first[0] === 0x15 && first[1] === 0x03, 'a port with TLS'],
  [begins(/^INFO \{/), 'a NATS server'],
  [begins(/^(CONNECTED|ERROR)\r?\n/), 'a STOMP broker'],
  [begins(/^SSH-/), 'an SSH server'],
  [begins(/^AMQP/), 'an AMQP broker'],
  [begins(/^220[ -]/), 'a mail or FTP server'],
  // WireFormatInfo: its size, its type, its magic.
  [(first) => first[4] === 1 && first.toString('latin1', 5, 13) === 'ActiveMQ', "ActiveMQ's OpenWire port"],
];

const MAX_GREETING_BYTES = 32;

/** Who speaks so, with the article; `something else` where it is unknown. */
export const speakerOf = (first: Buffer): string => {
  const start = first.subarray(0, MAX_GREETING_BYTES);
  return SPEAKERS.find(([is]) => is(start))?.[1] ?? 'something else';
};
