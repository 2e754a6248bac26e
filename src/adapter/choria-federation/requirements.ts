import { federationGroup, federationSubject } from '../../wire/choria/index.ts';
import { publishReplies } from '../choria-collective/requirements.ts';
import { type Requirement, toSubscribe } from '../requirement.ts';

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
