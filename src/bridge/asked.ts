import type { Request } from '../envelope/message.ts';
import { cut } from '../envelope/text.ts';
import type { Entry } from './entry.ts';

/** As the log has it; undefined of what passes unchanged. */
export const actionOf = (payload: Request['payload']): string | undefined => {
  if (payload.kind === 'opaque') return undefined;
  return payload.kind === 'rpc' ? cut(payload.action) : 'ping';
};

/** Whether all that a request says but its nodes is in the line of an entry. */
export const isAskedBy = (
  { fields }: Entry,
  { sender, caller, collective, agent, payload }: Request,
): boolean =>
  fields['sender'] === cut(sender) &&
  fields['caller_in'] === caller &&
  fields['collective'] === cut(collective) &&
  fields['agent'] === (agent && cut(agent)) &&
  fields['action'] === actionOf(payload);
