import type { ConfiguredPattern } from '../../config/pattern/compile.ts';
import type { KeyPath } from '../../config/problem.ts';
import type { Pattern } from '../../envelope/pattern.ts';
import type { Config } from '../../setup/types.ts';
import type { Checklist } from './checklist.ts';

/** Those of the file; the defaults are the program's own. */
const isConfigured = (pattern: Pattern): pattern is ConfiguredPattern => 'anchors' in pattern;

interface Place {
  readonly path: KeyPath;
  readonly patterns: readonly Pattern[];
  /** What happens where a pattern matches more than was meant. */
  readonly risk: string;
  /** Whether a name that merely begins as the pattern does is already one too many. */
  readonly opens: boolean;
}

/** Every list of patterns that decides whom something is for. */
const placesOf = ({ ingresses, egresses }: Config): readonly Place[] => [
  ...[...ingresses.values()].flatMap(({ name, callers }): readonly Place[] =>
    'allow' in callers
      ? [
          {
            path: ['ingresses', name, 'callers', 'allow'],
            patterns: callers.allow,
            risk: 'lets in every caller whose name has such a text in it',
            opens: true,
          },
          {
            path: ['ingresses', name, 'callers', 'privileged'],
            patterns: callers.privileged,
            risk: 'lets every certificate speak for all callers whose name has such a text in it',
            opens: true,
          },
        ]
      : [],
  ),
  ...[...egresses.values()].map(
    ({ name, privileged }): Place => ({
      path: ['egresses', name, 'privileged'],
      patterns: privileged,
      risk: 'holds every caller privileged whose name has such a text in it',
      opens: false,
    }),
  ),
];

/** A pattern matches anywhere in a name; who writes one without anchors has seldom meant that. */
export const checkPatterns = (list: Checklist, config: Config): void => {
  for (const { path, patterns, risk, opens } of placesOf(config))
    for (const [index, pattern] of patterns.entries()) {
      if (!isConfigured(pattern)) continue;
      const { anchors, source } = pattern;
      const place = [...path, index];
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
