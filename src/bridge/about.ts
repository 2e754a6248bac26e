import {
  isOpaque,
  isOpaqueReply,
  namedNodes,
  type Reply,
  type ReplyAddress,
  type Request,
} from '../envelope/message.ts';
import type { RejectionContext } from '../envelope/rejection.ts';

export const flowOf = ({ flow }: Pick<ReplyAddress, 'flow'>): { readonly flow?: string } =>
  flow === undefined ? {} : { flow };

/** The nodes that a request names; undefined where all are asked. */
export const nodesOf = ({ targets }: Request): readonly string[] | undefined => namedNodes(targets);

/** All that it is for. */
export const collectivesOf = ({ targets }: Request): readonly string[] =>
  targets.map(({ collective }) => collective);

/** How many messages to nodes it stands for; a broadcast is one. */
export const targetsOf = ({ targets }: Request): number => targets.length;

export const aboutRequest = ({ home, id, sender, caller, agent, collective }: Request): RejectionContext => ({
  ...flowOf(home),
  requestId: id,
  sender,
  ...(caller !== undefined && { caller }),
  ...(agent !== undefined && { agent }),
  collective,
});

/** Where an error goes that is about a request. */
export const answerAddress = (request: Request) =>
  isOpaque(request) ? request.payload.answerTo(request.payload.content) : request.home;

export const aboutReply = (reply: Reply): RejectionContext => {
  const { home, sender } = reply;
  const about = { ...flowOf(home), requestId: home.requestId, sender };
  return isOpaqueReply(reply)
    ? about
    : { ...about, agent: reply.home.agent, collective: reply.home.collective };
};
