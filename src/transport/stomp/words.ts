import type { ProtocolWords } from '../failure/words.ts';

/** STOMP in the texts of failures. */
export const STOMP_WORDS: ProtocolWords = {
  protocol: 'STOMP',
  peer: 'a STOMP broker',
  plain: 'stomp://',
  secure: 'stomp+ssl://',
  credentials: 'user and password',
  silentHint: ' (without TLS, if the URL begins with stomp://)',
  loginHint: ' (ActiveMQ at times hangs up without a word at a wrong password)',
};
