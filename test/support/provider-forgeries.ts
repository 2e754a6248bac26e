import { z } from 'zod';
import { newRequestId } from './choria-messages.ts';

/** What can be read of a node's answer to a translated request. */
export const answer = z.looseObject({
  headers: z.looseObject({ federation: z.looseObject({ 'reply-to': z.string() }) }),
});

export interface Overheard {
  readonly reply: z.output<typeof answer>;
  /** Where a client of the operator's awaits answers. */
  readonly replyTo: string;
  readonly choriaToken: string;
  readonly legacyToken: string;
}

/** Another token, by its last letter. */
export const changed = (token: string): string => `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`;

/** Answers with ways home of a customer's own choice. */
export const forgedAnswers = ({ reply, replyTo, choriaToken, legacyToken }: Overheard): readonly string[] => {
  const home = (to: string | undefined, more: object = {}): string => {
    const federation = { req: newRequestId(), ...(to !== undefined && { 'reply-to': to }), ...more };
    return JSON.stringify({ ...reply, headers: { ...reply.headers, 'reply-to': replyTo, federation } });
  };
  const target = ['mcollective.node.web1.example.net', 'mcollective.broadcast.agent.rpcutil'];
  const byToken = (token: string): string => home(`mcollective.reply.mcbridge.${token}`);
  return [
    home(undefined),
    home(undefined, { target }),
    home(replyTo),
    home(replyTo, { target }),
    home('choria.federation.globex.federation'),
    home('choria.federation.acme.federation', { target }),
    home('mcollective.broadcast.agent.rpcutil'),
    home('mcollective.reply.>'),
    byToken(''),
    byToken('A'.repeat(80)),
    byToken(changed(choriaToken)),
    byToken(legacyToken),
    home(`other.reply.mcbridge.${choriaToken}`),
  ];
};
