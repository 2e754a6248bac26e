import type { Checklist } from '../../config/checklist.ts';
import type { LoadedConfig } from '../../setup/types.ts';

/** What is refused is told in the file where it stands; here is what each policy is made of, and what it leaves to nodes. */
export const checkPolicies = (list: Checklist, { policies }: Pick<LoadedConfig, 'policies'>): void => {
  for (const [name, { summary, defers, isShadow }] of policies) {
    const path = ['policies', name];
    list.ok(path, `${summary}, and all names in it are known`);
    const [first] = defers;
    if (first !== undefined)
      list.warning(
        path,
        `${first}${defers.length === 1 ? '' : ` and ${defers.length - 1} more`}: nodes decide, and where a node has no policy of its own everything passes`,
        'give all nodes a policy of their own, or say deny',
      );
    if (isShadow)
      list.warning(
        path,
        'is in shadow mode, and refuses nothing',
        'leave out shadow once it says what it should',
      );
  }
};
