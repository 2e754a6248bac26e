import { quoted } from '../../envelope/text.ts';
import type { Effects } from './effects.ts';
import { effectsOf } from './judge.ts';
import type { Entry } from './policy-file.ts';

const NODE_PART = 'it depends on facts or classes of the node';

const ofRule = (entry: Entry & { kind: 'rule' }, caller: Effects, action: string, name: string): string => {
  const { fields, node } = entry;
  if (!caller.yes && caller.no)
    return `its callers, ${quoted(fields.callers)}, do not include ${quoted(name)}`;
  if (!caller.yes) return `its callers, ${quoted(fields.callers)}, end the request with an error`;
  if (entry.actions?.includes(action) === false)
    return `its actions, ${quoted(fields.actions)}, do not include ${quoted(action)}`;
  if (caller.no)
    return `whether its callers, ${quoted(fields.callers)}, include ${quoted(name)} cannot be told`;
  const asks = `facts ${quoted(fields.facts)}${fields.classes === undefined ? '' : `, classes ${quoted(fields.classes)}`}`;
  if (node.yes && (node.no || node.error)) return `${NODE_PART}: ${asks}`;
  if (node.yes) return 'it matches';
  return node.no ? `no node has what it asks for: ${asks}` : `what it asks of a node is an error: ${asks}`;
};

/** Why an entry decides or was passed over, in words. */
export const whyOf = (entry: Entry, caller: Effects, action: string, name: string): string => {
  if (entry.kind === 'rule') return ofRule(entry, caller, action, name);
  if (entry.kind === 'fatal') return `the line ${entry.why}`;
  if (entry.kind === 'skipped') return 'it is a compound statement, which this dialect skips';
  if (entry.kind === 'unread') return `it is no rule, and is ignored: ${quoted(entry.text)}`;
  return entry.kind === 'default' ? 'it says the default, for where no line decides' : 'it is empty';
};

/** Whether an entry was there to decide, so that it is told why it did not. */
export const isPassedOver = (entry: Entry, caller: Effects, action: string): boolean =>
  entry.kind !== 'nothing' && entry.kind !== 'default' && effectsOf(entry, caller, action).no;
