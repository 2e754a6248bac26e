import { parseExpr } from '../../../../src/adapters/kit/filter-language/expr-parser.ts';
import { exprText } from '../../../../src/adapters/kit/filter-language/expr-text.ts';
import { toChoria } from '../../../../src/adapters/kit/filter-language/to-choria.ts';
import { toLegacy } from '../../../../src/adapters/kit/filter-language/to-legacy.ts';
import { parseTokens, printTokens, type Token } from '../../../../src/adapters/kit/filter-language/tokens.ts';

const shown = (token: Token): string => {
  if (token.kind === 'statement') return token.text;
  if (token.kind !== 'function') return token.kind;
  const { name, params, value, operator, compare } = token.call;
  return `${name}(${params ?? ''}).${value}${operator}${compare}`;
};
export const legacyOf = (text: string): string =>
  printTokens(toLegacy(parseExpr(text)))
    .map(shown)
    .join(' ');

export const statement = (text: string): Token => ({ kind: 'statement', text });
export const call = (
  name: string,
  value: string | null,
  operator: string,
  compare: string,
  params = 'x',
): Token => ({
  kind: 'function',
  call: { name, params, value, operator, compare },
});
export const choriaOf = (...tokens: readonly Token[]): string => exprText(toChoria(parseTokens(tokens)));

export const NOT: Token = { kind: 'not' };
export const OR: Token = { kind: 'or' };
