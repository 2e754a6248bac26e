import { type Requirement, toSubscribe } from '../../../transport/requirement.ts';
import { publishReplies } from '../collective/requirements.ts';
import { federationGroup, federationSubject } from '../wire/index.ts';

export interface IngressNeeds {
  readonly cluster: string;
  /** Whose clients are answered. */
  readonly replyCollectives: readonly string[];
}

/** What an ingress `choria-federation` needs. */
export const ingressRequirements = ({ cluster, replyCollectives }: IngressNeeds): readonly Requirement[] => [
  toSubscribe('hear requests', federationSubject(cluster), federationGroup(cluster)),
  ...replyCollectives.map(publishReplies),
];
