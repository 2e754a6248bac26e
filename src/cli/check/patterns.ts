import type { PatternList } from '../../adapters/kit/check/side-check.ts';
import type { Checklist } from '../../config/checklist.ts';
import type { ConfiguredPattern } from '../../config/pattern/compile.ts';
import type { KeyPath } from '../../config/problem.ts';
import type { Pattern } from '../../envelope/pattern.ts';
import { ingressesFirst, pathOf } from '../../setup/sides.ts';
import type { Config } from '../../setup/types.ts';

/** Those of the file; the defaults are the program's own. */
const isConfigured = (pattern: Pattern): pattern is ConfiguredPattern => 'anchors' in pattern;

/** A pattern matches anywhere in a name; who writes one without anchors has seldom meant that. */
export const checkPatterns = (list: Checklist, config: Config): void => {
  for (const side of ingressesFirst(config))
    for (const places of side.adapter.check.patterns) checkPlaces(list, pathOf(side), places);
};

const checkPlaces = (
  list: Checklist,
  path: KeyPath,
  { setting, patterns, risk, opens }: PatternList,
): void => {
  for (const [index, pattern] of patterns.entries()) {
    if (!isConfigured(pattern)) continue;
    const { anchors, source } = pattern;
    const place = [...path, ...setting, index];
    if (anchors === 'mixed')
      list.warning(
        place,
        `in ${source} ^ holds the first alternative only, and $ the last`,
        'put the alternatives in a group: ^(?:a|b)$',
      );
    else if (anchors === 'none')
      list.warning(
        place,
        `${source} has no anchor, so it ${risk}`,
        `write ^${source}$, if the whole name is meant`,
      );
    else if (anchors === 'start' && opens)
      list.warning(
        place,
        `${source} has no end, so anything may follow`,
        `write ${source}$, if the whole name is meant`,
      );
  }
};
