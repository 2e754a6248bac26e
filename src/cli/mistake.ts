import { ConfigError, ConfigUnreadable } from '../config/problem.ts';
import { SocketError } from '../control/unix-socket.ts';
import { Rejection } from '../envelope/rejection.ts';
import { LinkError } from '../transport/link.ts';
import { UsageError } from './usage.ts';

/** What an operator, a broker or a peer has done wrong: a sentence says all of it. Anything else is a bug, with a stack. */
export const isMistake = (error: Error): boolean =>
  error instanceof ConfigError ||
  error instanceof ConfigUnreadable ||
  error instanceof LinkError ||
  error instanceof UsageError ||
  error instanceof SocketError ||
  (error instanceof Rejection && error.code !== 'internal') ||
  // Of the operating system.
  'syscall' in error;
