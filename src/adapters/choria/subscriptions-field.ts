import { integer, setting } from '../../config/fields.ts';

/** How many members of its queue groups a bridge is: as many as others of the cluster are, for an equal share. */
export const subscriptionsField = () =>
  setting(
    'how many members of its queue group this instance is; 10 beside brokers of go-choria',
    integer(1, 100).default(1),
  );
