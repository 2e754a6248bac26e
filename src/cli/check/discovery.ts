import type { Checklist } from '../../config/checklist.ts';
import { localEgressesOf } from '../../setup/ends.ts';
import { learningOf } from '../../setup/learning.ts';
import type { Config } from '../../setup/types.ts';

/** Whether the bridge can ask who lives behind the egresses where it has to know. */
export const checkDiscovery = (list: Checklist, config: Config): void => {
  for (const [name, { every, collectives }] of learningOf(config)) {
    const egress = config.egresses.get(name);
    if (egress === undefined || every === 0 || collectives.length === 0) continue;
    egress.adapter.check.asking(list);
  }
  for (const [ingress, name] of localEgressesOf(config)) {
    const egress = config.egresses.get(name);
    if (egress === undefined || egress.adapter.asks) continue;
    list.warning(
      ['ingresses', ingress, 'local_egress'],
      `without signing ${name} cannot ask who is there, so no node counts as native to the side of ${ingress}`,
      `give ${name} signing, or leave local_egress out`,
    );
  }
};
